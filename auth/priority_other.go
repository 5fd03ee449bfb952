//go:build !linux

package auth

// atLowPriority runs work; only Linux gives a thread a priority of its own.
func atLowPriority(work func()) { work() }
