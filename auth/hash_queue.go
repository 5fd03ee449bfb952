package auth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"example.com/latchkey/problem"
)

// hashQueue runs at most one hash on each core at a time: more would not end sooner,
// and would delay every other request. The turn goes round the clients that wait, so
// that the many logins of one do not delay the others.
type hashQueue struct {
	cores   int
	maxWait time.Duration
	average atomic.Int64 // how long a hash took recently, in nanoseconds
	refused atomic.Int64 // how many hashes were overloaded

	mu      sync.Mutex
	running int
	turns   []string                   // the networks of the clients that wait, the next one first
	waiting map[string][]chan struct{} // what waits for each of them, the oldest first
}

func newHashQueue(cores int, maxWait time.Duration) *hashQueue {
	return &hashQueue{cores: cores, maxWait: maxWait, waiting: map[string][]chan struct{}{}}
}

// run waits for its turn and runs work at low priority. The error is overloaded if
// that takes longer than maxWait (at once, if it is known before), ctx's if ctx ends
// first, or the error of work.
func (q *hashQueue) run(ctx context.Context, work func() error) (err error) {
	if err := q.acquire(ctx, ClientFrom(ctx).Network()); err != nil {
		if errors.Is(err, problem.Overloaded) {
			q.refused.Add(1)
		}
		return err
	}
	defer q.release()
	atLowPriority(func() {
		start := time.Now()
		err = work()
		took := int64(time.Since(start))
		q.average.Store((3*cmp.Or(q.average.Load(), took) + took) / 4)
	})
	return err
}

func (q *hashQueue) acquire(ctx context.Context, client string) error {
	turn, err := q.enter(client)
	if turn == nil {
		return err
	}
	limit := time.NewTimer(q.maxWait)
	defer limit.Stop()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-limit.C:
		err = problem.Overloaded.WithRetryAfter(q.maxWait)
	}
	if !q.leave(client, turn) { // its turn came at the same time
		q.release()
	}
	return err
}

// enter starts a hash, and then returns nil, or lets it wait until turn is closed.
func (q *hashQueue) enter(client string) (turn chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running < q.cores {
		q.running++
		return nil, nil
	}
	own, hashes := len(q.waiting[client]), 1
	for _, requests := range q.waiting {
		hashes += min(len(requests), own+1) // the others have a turn for each of this client's
	}
	wait := time.Duration(int64(hashes) * q.average.Load() / int64(q.cores))
	if wait > q.maxWait {
		return nil, problem.Overloaded.WithRetryAfter(wait)
	}
	if own == 0 {
		q.turns = append(q.turns, client)
	}
	turn = make(chan struct{})
	q.waiting[client] = append(q.waiting[client], turn)
	return turn, nil
}

// leave takes a request out of the queue. It reports false if its turn has come.
func (q *hashQueue) leave(client string, turn chan struct{}) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting[client], turn)
	if i < 0 {
		return false
	}
	q.waiting[client] = slices.Delete(q.waiting[client], i, i+1)
	if len(q.waiting[client]) == 0 {
		delete(q.waiting, client)
		q.turns = slices.DeleteFunc(q.turns, func(other string) bool { return other == client })
	}
	return true
}

// release ends a hash, and starts that of the client whose turn it is.
func (q *hashQueue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.turns) == 0 {
		q.running--
		return
	}
	client := q.turns[0]
	q.turns = q.turns[1:]
	requests := q.waiting[client]
	close(requests[0])
	if len(requests) == 1 {
		delete(q.waiting, client)
		return
	}
	q.waiting[client] = requests[1:]
	q.turns = append(q.turns, client)
}
