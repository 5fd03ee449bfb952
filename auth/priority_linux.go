package auth

import (
	"runtime"
	"syscall"
)

// niceness is what nice(1) adds by default.
const niceness = 10

// atLowPriority runs work on a thread of its own that yields to all others. A
// thread may not raise its priority again, so it ends with the work.
func atLowPriority(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // until the goroutine ends, and its thread with it
		if raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 20-raw+niceness) // where it is not allowed, work runs at the usual priority
		}
		work()
	}()
	<-done
}
