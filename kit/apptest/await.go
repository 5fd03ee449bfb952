package apptest

import (
	"testing"
	"time"
)

// waitLimit is when a waiting test fails. It is long enough for the slowest machine.
const waitLimit = 5 * time.Minute

// Await waits until done returns true. A slow machine does not fail the test.
func Await(t testing.TB, event string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > waitLimit {
			t.Fatalf("did not happen within %v: %s", waitLimit, event)
		}
	}
}

// Receive waits for a value from a channel, or for its end, as Await does.
func Receive[T any](t testing.TB, event string, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(waitLimit):
		t.Fatalf("did not happen within %v: %s", waitLimit, event)
	}
	return value
}
