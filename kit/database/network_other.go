//go:build !linux

package database

import "syscall"

// NetworkFileSystem returns "": it knows only the file systems of Linux.
func NetworkFileSystem(_ string) string { return "" }

// setUserTimeout does nothing: only the keep-alive detects a lost connection, and only
// while nothing is sent.
func setUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
