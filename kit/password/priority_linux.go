package password

import (
	"runtime"
	"syscall"
)

// niceness is what nice(1) adds by default.
const niceness = 10

// atLowPriority runs work on a new thread with a low priority. A thread cannot
// raise its priority again, so it ends with the work.
func atLowPriority(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine
		if raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 20-raw+niceness) // if this is not allowed, work runs at the usual priority
		}
		work()
	}()
	<-done
}
