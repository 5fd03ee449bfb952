//go:build !linux

package database

import "syscall"

// giveUp leaves it to the keep-alive, which speaks only while nothing is sent.
func giveUp(_, _ string, _ syscall.RawConn) error { return nil }
