package password

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/problem"
)

// hashQueue runs at most one hash on each core at a time: more would not end sooner,
// and would delay every other request. The others wait for their turns.
type hashQueue struct {
	cores   int
	maxWait time.Duration
	refused atomic.Int64 // how many hashes were overloaded

	mu      sync.Mutex
	running int
	average time.Duration // how long a hash took recently
	turns   turns
}

// run takes a place in the queue, runs prepare, waits for its turn, and runs work at low
// priority. The error is overloaded if the turn would come later than maxWait (at once
// and without prepare, if that is known before), ctx's if ctx ends first, or that of
// prepare or work. An error of work counts as a failure of the client's networks.
func (q *hashQueue) run(ctx context.Context, prepare, work func() error) error {
	networks := client.From(ctx).Networks()
	request, err := q.enter(networks)
	if err != nil {
		return err
	}
	defer q.leave(request)
	if err := prepare(); err != nil {
		return err
	}
	if err := q.await(ctx, request); err != nil {
		return err
	}
	atLowPriority(func() {
		start := time.Now()
		err = work()
		q.ended(networks, time.Since(start), err)
	})
	return err
}

// enter adds a request to the queue. It starts at once if a core is free.
func (q *hashQueue) enter(networks []string) (*waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	request := q.turns.add(networks)
	if q.running < q.cores { // then no other waits
		q.running++
		q.turns.next()
		return request, nil
	}
	wait := time.Duration(position(request)) * q.average / time.Duration(q.cores)
	if wait > q.maxWait {
		q.turns.remove(request)
		return nil, q.overloaded(wait)
	}
	return request, nil
}

func (q *hashQueue) overloaded(wait time.Duration) error {
	q.refused.Add(1)
	return problem.Overloaded.WithRetryAfter(wait)
}

// await waits for the turn of a request.
func (q *hashQueue) await(ctx context.Context, request *waiter) error {
	select {
	case <-request.turn: // also if maxWait is over before the next select
		return nil
	default:
	}
	limit := time.NewTimer(q.maxWait)
	defer limit.Stop()
	select {
	case <-request.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return q.overloaded(q.maxWait)
	}
}

// leave ends the turn of a request, or takes it out of the queue before its turn.
func (q *hashQueue) leave(request *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if request.in != nil { // it still waits
		q.turns.remove(request)
	} else if !q.turns.next() {
		q.running--
	}
}

// ended updates the average time, and the turns, with a hash that has ended.
func (q *hashQueue) ended(networks []string, took time.Duration, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.average = (3*cmp.Or(q.average, took) + took) / 4
	q.turns.ended(networks, err != nil)
}
