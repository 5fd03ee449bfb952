package auth

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"example.com/latchkey/problem"
)

// turns runs as many hashes at a time as there are cores: more would end no
// sooner and would stall every other request.
type turns struct {
	cores   int64
	maxWait time.Duration
	free    *semaphore.Weighted // first come, first served
	pending atomic.Int64        // how many run or wait
	usual   atomic.Int64        // how long a turn has lasted of late, in nanoseconds
}

func newTurns(cores int, maxWait time.Duration) *turns {
	return &turns{cores: int64(cores), maxWait: maxWait, free: semaphore.NewWeighted(int64(cores))}
}

// run waits for a turn and runs work in it, at low priority. The error is
// overloaded where no turn comes within maxWait (at once, where the queue is too
// long for it), ctx's where ctx ends first, or work's.
func (t *turns) run(ctx context.Context, work func() error) (err error) {
	waiting := t.pending.Add(1) - t.cores
	defer t.pending.Add(-1)
	if wait := time.Duration(waiting * t.usual.Load() / t.cores); wait > t.maxWait {
		return problem.Overloaded.After(wait)
	}
	if err := t.wait(ctx); err != nil {
		return err
	}
	defer t.free.Release(1)
	atLowPriority(func() {
		start := time.Now()
		err = work()
		lasted := int64(time.Since(start))
		t.usual.Store((3*cmp.Or(t.usual.Load(), lasted) + lasted) / 4)
	})
	return err
}

func (t *turns) wait(ctx context.Context) error {
	if t.free.TryAcquire(1) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, t.maxWait)
	defer cancel()
	if t.free.Acquire(limited, 1) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return problem.Overloaded.After(t.maxWait)
}
