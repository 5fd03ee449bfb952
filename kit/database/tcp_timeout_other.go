//go:build !linux

package database

import "syscall"

// setUserTimeout does nothing: only the keep-alive detects a lost connection, and only
// while nothing is sent.
func setUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
