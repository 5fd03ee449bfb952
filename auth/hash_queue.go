package auth

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"example.com/latchkey/problem"
)

// hashQueue runs at most one hash on each core at a time: more would not end sooner,
// and would delay every other request.
type hashQueue struct {
	cores   int64
	maxWait time.Duration
	slots   *semaphore.Weighted // first come, first served
	pending atomic.Int64        // how many run or wait
	average atomic.Int64        // how long a hash took recently, in nanoseconds
}

func newHashQueue(cores int, maxWait time.Duration) *hashQueue {
	return &hashQueue{cores: int64(cores), maxWait: maxWait, slots: semaphore.NewWeighted(int64(cores))}
}

// run waits for a slot and runs work at low priority. The error is overloaded if
// there is no slot within maxWait (at once, if the queue is too long), ctx's if ctx
// ends first, or the error of work.
func (q *hashQueue) run(ctx context.Context, work func() error) (err error) {
	waiting := q.pending.Add(1) - q.cores
	defer q.pending.Add(-1)
	if wait := time.Duration(waiting * q.average.Load() / q.cores); wait > q.maxWait {
		return problem.Overloaded.WithRetryAfter(wait)
	}
	if err := q.acquire(ctx); err != nil {
		return err
	}
	defer q.slots.Release(1)
	atLowPriority(func() {
		start := time.Now()
		err = work()
		took := int64(time.Since(start))
		q.average.Store((3*cmp.Or(q.average.Load(), took) + took) / 4)
	})
	return err
}

func (q *hashQueue) acquire(ctx context.Context) error {
	if q.slots.TryAcquire(1) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, q.maxWait)
	defer cancel()
	if q.slots.Acquire(limited, 1) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return problem.Overloaded.WithRetryAfter(q.maxWait)
}
