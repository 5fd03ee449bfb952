//go:build !linux

package auth

// aside runs work; only Linux gives a thread a priority of its own.
func aside(work func()) { work() }
