//go:build !linux

package password

// atLowPriority only runs work: the priority of one thread exists on Linux alone.
func atLowPriority(work func()) { work() }
