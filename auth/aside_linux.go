package auth

import (
	"runtime"
	"syscall"
)

// politeness is what nice(1) adds if it is told nothing.
const politeness = 10

// aside runs work on a thread that lets all others go first. Nobody may raise
// a priority again, so the thread ends with the work.
func aside(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // until the goroutine ends, and its thread with it
		if is, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 20-is+politeness) // where it is not allowed, work is done as well
		}
		work()
	}()
	<-done
}
