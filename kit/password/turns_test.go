package password

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/latchkey/kit/client"
)

// networksOf returns the networks of an address.
func networksOf(address string) []string { return client.Client{IP: address}.Networks() }

// turnsAfter returns the addresses of requests in the order of their turns. A step is an
// address from which a request comes; one with "!" has failed, and one with "." has not.
func turnsAfter(q *turns, steps string) string {
	requests := map[*waiter]string{}
	for _, step := range strings.Fields(steps) {
		address := strings.TrimRight(step, "!.")
		if address != step {
			q.ended(networksOf(address), strings.HasSuffix(step, "!"))
		} else {
			requests[q.add(networksOf(address))] = address
		}
	}
	var order []string
	for q.next() {
		for request, address := range requests {
			if request.in == nil {
				order = append(order, address)
				delete(requests, request)
			}
		}
	}
	return strings.Join(order, " ")
}

func TestTheTurnGoesRoundTheNetworks(t *testing.T) {
	for claim, c := range map[string]struct{ steps, want string }{
		"round the addresses of a /24": {
			"10.0.0.1 10.0.0.1 10.0.0.1 10.0.0.2 10.0.0.2 10.0.0.3",
			"10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.1 10.0.0.2 10.0.0.1",
		},
		"round the /24s": {
			"10.0.0.1 10.0.0.2 10.0.0.3 10.1.0.1 10.1.0.1",
			"10.0.0.1 10.1.0.1 10.0.0.2 10.1.0.1 10.0.0.3",
		},
		"round the /48s, and the /64s of each": {
			"2001:db8:0:1::1 2001:db8:0:1::2 2001:db8:0:2::1 2001:db8:1::1 2001:db8:1::2",
			"2001:db8:0:1::1 2001:db8:1::1 2001:db8:0:2::1 2001:db8:1::2 2001:db8:0:1::2",
		},
		"those that failed have the turns of one": {
			"10.0.0.1! 10.1.0.1! 10.2.0.1!  10.0.0.1 10.1.0.1 10.2.0.1 10.3.0.1 10.3.0.1 10.4.0.1",
			"10.0.0.1 10.3.0.1 10.4.0.1 10.1.0.1 10.3.0.1 10.2.0.1",
		},
		"also those of one /24": {
			"10.0.0.1! 10.0.0.2!  10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4",
			"10.0.0.1 10.0.0.3 10.0.0.4 10.0.0.2",
		},
		"a /64 that has not failed is in a /48 that has": {
			"2001:db8:0:1::1! 2001:db8:1::1!  2001:db8:0:2::1 2001:db8:1::1 2001:db8:2::1",
			"2001:db8:0:2::1 2001:db8:2::1 2001:db8:1::1",
		},
		"the last request counts": {
			"10.0.0.1! 10.1.0.1! 10.0.0.1.  10.1.0.1 10.1.0.1 10.0.0.1 10.2.0.1",
			"10.1.0.1 10.0.0.1 10.2.0.1 10.1.0.1",
		},
		"one that fails while it waits has one place": {
			"10.0.0.1 10.0.0.1 10.1.0.1  10.0.0.1! 10.0.0.1 10.1.0.1",
			"10.1.0.1 10.0.0.1 10.1.0.1 10.0.0.1 10.0.0.1",
		},
		"also a /64 that is alone in its /48": {
			"2001:db8::1 2001:db8::2 10.1.0.1  2001:db8::! 2001:db8::3 10.1.0.1  2001:db8::. 2001:db8::4",
			"10.1.0.1 2001:db8::1 10.1.0.1 2001:db8::2 2001:db8::3 2001:db8::4",
		},
	} {
		t.Run(claim, func(t *testing.T) {
			q := newTurns()
			if got := turnsAfter(&q, c.steps); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if len(q.networks) != 0 || len(q.all.waiters) != 0 || q.all.requests != 0 {
				t.Errorf("%d networks wait", len(q.networks))
			}
		})
	}
}

func TestAFailureIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns()
		const others, after = "10.1.0.1! 10.2.0.1! ", " 10.1.0.1 10.2.0.1 10.3.0.1"
		if got := turnsAfter(&q, others+after); got != "10.1.0.1 10.3.0.1 10.2.0.1" {
			t.Errorf("after failures: %s", got)
		}
		time.Sleep(failedFor)
		if got := turnsAfter(&q, after); got != strings.TrimSpace(after) {
			t.Errorf("later: %s", got)
		}
	})
}

func TestTheMemoryOfFailuresIsBounded(t *testing.T) {
	q := newTurns()
	for i := range maxFailed + 1000 {
		q.ended([]string{fmt.Sprint(i)}, true)
		if _, known := q.failed[fmt.Sprint(i)]; !known || len(q.failed) > maxFailed {
			t.Fatalf("network %d is remembered: %t, with %d in all", i, known, len(q.failed))
		}
	}
}

func TestThePositionOfARequestIsItsTurn(t *testing.T) {
	for seed := range uint64(300) {
		random, q := rand.New(rand.NewPCG(seed, 0)), newTurns() //nolint:gosec // a test that can be repeated
		var requests []*waiter
		for range 80 {
			networks := networksOf(fmt.Sprintf("2001:db8:%x:%x::1", random.IntN(4), random.IntN(4)))
			switch random.IntN(6) {
			case 0:
				q.ended(networks, random.IntN(3) > 0)
			case 1:
				q.next()
			default:
				requests = append(requests, q.add(networks))
			}
		}
		at := map[int]*waiter{}
		for _, request := range requests {
			if request.in != nil {
				at[position(request)] = request
			}
		}
		for turn := 1; q.next(); turn++ {
			if request := at[turn]; request == nil || request.in != nil {
				t.Fatalf("seed %d: turn %d is not that of the request at this position", seed, turn)
			}
		}
	}
}
