package password

import (
	"runtime"
	"syscall"
	"testing"
)

func TestALowPriorityIsThatOfOneThread(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	nice := func() int {
		raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
		if err != nil {
			t.Error(err)
		}
		return 20 - raw // the system call returns 20-nice
	}
	before, during := nice(), 0
	atLowPriority(func() { during = nice() })
	if after := nice(); during != min(before+niceness, 19) || after != before {
		t.Errorf("nice was %d before, %d during the work, and %d after", before, during, after)
	}
	for range 50 { // the thread of the work runs nothing else
		done := make(chan int)
		go func() { done <- nice() }()
		if other := <-done; other != before {
			t.Fatalf("another goroutine runs at nice %d", other)
		}
	}
}
