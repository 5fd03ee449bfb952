package database_test

import (
	"context"
	"testing"

	"example.com/latchkey/kit/database"
)

func TestWhatWaitsIsStoredAtOnceAndWhatIsTooMuchIsDropped(t *testing.T) {
	later := database.NewLater[int]()
	for i := range 1001 {
		later.Add(i)
	}
	ctx, stop := context.WithCancel(t.Context())
	var stored [][]int
	later.Store(ctx, func(ctx context.Context, values []int) {
		if stored = append(stored, values); len(stored) == 1 {
			later.Add(-1)
			return
		}
		stop()
		if ctx.Err() != nil {
			t.Error("the end of the server ends a statement that has begun")
		}
	})
	if len(stored) != 2 || len(stored[0]) != 1000 || stored[0][999] != 999 || len(stored[1]) != 1 {
		t.Errorf("stored %d times", len(stored))
	}
}
