package apptest

import (
	"testing"
	"time"
)

// hung is when a test that waits has failed. It is long enough for any machine:
// what takes so long never comes.
const hung = 5 * time.Minute

// Await waits until holds gives true. Only a claim that never comes true fails
// the test, however slow the machine is.
func Await(t testing.TB, claim string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > hung {
			t.Fatalf("waited for %v in vain: %s", hung, claim)
		}
	}
}

// Receive waits for a value from a channel, or its end, as Await does.
func Receive[T any](t testing.TB, claim string, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(hung):
		t.Fatalf("waited for %v in vain: %s", hung, claim)
	}
	return value
}
