package password

import (
	"testing"
	"testing/synctest"
)

func TestTheHashesThatRunWaitAndAreRefusedAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, _ := slowPasswords(2, hashTime*3/2)
		want := func(running, waiting int, refused int64) {
			t.Helper()
			if r, w, o := passwords.Load(); r != running || w != waiting || o != refused {
				t.Errorf("%d, %d and %d, want %d, %d and %d", r, w, o, running, waiting, refused)
			}
		}
		wait := startLogins(t.Context(), passwords, 9)
		want(2, 7, 0)
		wait() // two run, then two more, and the others have waited for too long
		want(0, 0, 5)
	})
}
