package auth

import (
	"runtime"
	"syscall"
	"testing"
)

func TestWorkAsideIsPoliteAndLeavesNobodyElseSo(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	nice := func() int {
		raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
		if err != nil {
			t.Error(err)
		}
		return 20 - raw // as the system call gives it
	}
	before, during := nice(), 0
	aside(func() { during = nice() })
	if after := nice(); during != before+politeness || after != before {
		t.Errorf("nice was %d, %d aside, and %d after", before, during, after)
	}
	for range 50 { // a thread that was aside does no other work
		done := make(chan int)
		go func() { done <- nice() }()
		if other := <-done; other != before {
			t.Fatalf("another goroutine runs at nice %d", other)
		}
	}
}
