package server

import (
	"cmp"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/problem"
)

// maxLimited is how many networks are counted before the oldest are forgotten.
const maxLimited = 10_000

// Limit allows each network so many requests at once, and as many more in each time per.
// Further ones are answered 429 too_many_attempts, with Retry-After. It counts in this
// process only, so each replica allows as many. Use a Limit for one route, or for
// several that count together.
func Limit(requests int, per time.Duration) gin.HandlerFunc {
	l := &limiter{requests: requests, per: per}
	return func(c *gin.Context) {
		if wait := l.wait(client.From(c.Request.Context()).Network(), time.Now()); wait > 0 {
			problem.Write(c, problem.TooManyAttempts.Detailed("Too many requests, try again later").WithRetryAfter(wait))
		}
	}
}

// limiter has two generations of networks. One that was in neither for the time per
// may make all its requests again, so that nothing is lost with the older generation.
type limiter struct {
	requests int
	per      time.Duration

	mutex    sync.Mutex
	began    time.Time
	now, old map[string]*rate.Limiter
}

// wait counts a request, or returns how long its network has to wait.
func (l *limiter) wait(network string, at time.Time) time.Duration {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if at.Sub(l.began) > l.per || len(l.now) >= maxLimited {
		l.began, l.now, l.old = at, map[string]*rate.Limiter{}, l.now
	}
	bucket := cmp.Or(l.now[network], l.old[network])
	if bucket == nil {
		bucket = rate.NewLimiter(rate.Every(l.per/time.Duration(l.requests)), l.requests)
	}
	l.now[network] = bucket
	reserved := bucket.ReserveN(at, 1)
	wait := reserved.DelayFrom(at)
	if wait > 0 {
		reserved.CancelAt(at)
	}
	return wait
}
