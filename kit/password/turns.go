package password

import (
	"slices"
	"time"
)

// A network whose last request failed is remembered for failedFor. At most maxFailed
// are remembered, in about 1 MB.
const (
	failedFor = 15 * time.Minute
	maxFailed = 10_000
)

// turns is the order of the requests that wait. The networks take turns, and in each of
// them the smaller networks in it take turns. Those whose last request failed share the
// turns of one network, so that they delay the others little.
type turns struct {
	all      waiter
	networks map[string]*waiter   // those that wait, by key
	failed   map[string]time.Time // when the last request of a network failed
}

// waiter is a request, or a network with the requests that wait in it.
type waiter struct {
	key      string        // of a network
	in       *waiter       // where it waits; nil if it does not
	waiters  []*waiter     // what waits in a network, the next one first
	requests int           // how many requests wait in a network; 1 for a request
	turn     chan struct{} // of a request, closed when its turn comes
}

func newTurns() turns {
	return turns{networks: map[string]*waiter{}, failed: map[string]time.Time{}}
}

// add makes a request wait in its networks, the largest one first.
func (t *turns) add(networks []string) (request *waiter) {
	in := &t.all
	for _, key := range networks {
		place := in
		if time.Since(t.failed[key]) < failedFor {
			place = t.network(in.key+" failed", in)
		}
		in = t.network(key, place)
	}
	request = &waiter{requests: 1, turn: make(chan struct{})}
	request.enter(in)
	return request
}

// network returns the network with a key, which now waits in another one.
func (t *turns) network(key string, in *waiter) *waiter {
	w := t.networks[key]
	if w == nil {
		w = &waiter{key: key}
		t.networks[key] = w
	}
	if before := w.in; before != in {
		w.enter(in)
		t.leave(w, before)
	}
	return w
}

func (w *waiter) enter(in *waiter) {
	w.in = in
	in.waiters = append(in.waiters, w)
	for ; in != nil; in = in.in {
		in.requests += w.requests
	}
}

// leave takes a waiter out of a network, and with it each network in which no other
// request waits.
func (t *turns) leave(gone, in *waiter) {
	for w := gone; in != nil; w, in = in, in.in {
		in.requests -= gone.requests
		if w == gone || w.requests == 0 {
			in.waiters = slices.DeleteFunc(in.waiters, func(other *waiter) bool { return other == w })
		}
		if w.requests == 0 {
			delete(t.networks, w.key)
		}
	}
}

// remove takes a request out of its networks.
func (t *turns) remove(request *waiter) {
	t.leave(request, request.in)
	request.in = nil
}

// next closes the turn of the next request. It reports false if none waits.
func (t *turns) next() bool {
	if t.all.requests == 0 {
		return false
	}
	w := &t.all
	for w.turn == nil {
		first := w.waiters[0]
		w.waiters = append(w.waiters[1:], first)
		w = first
	}
	t.remove(w)
	close(w.turn)
	return true
}

// position returns how many turns there are up to that of a request, if no other request
// comes.
func position(request *waiter) int {
	position := 1
	for w := request; w.in != nil; w = w.in {
		rounds := position // that w has in the network
		for _, other := range w.in.waiters {
			if other == w {
				rounds-- // the last one ends with its turn
			} else {
				position += min(other.requests, rounds)
			}
		}
	}
	return position
}

// ended remembers whether the last request of these networks failed.
func (t *turns) ended(networks []string, failed bool) {
	for _, key := range networks {
		delete(t.failed, key)
		if !failed {
			continue
		}
		for other := range t.failed { // any of them
			if len(t.failed) < maxFailed {
				break
			}
			delete(t.failed, other)
		}
		t.failed[key] = time.Now()
	}
}
