//go:build !linux

package database

// NetworkFileSystem returns "": it knows only the file systems of Linux.
func NetworkFileSystem(_ string) string { return "" }
