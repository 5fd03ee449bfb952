package server

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"
	"golang.org/x/time/rate"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/problem"
)

// maxRequestID, in bytes, is the longest id of a client that is kept.
const maxRequestID = 64

// requestIDs does not check the length, because {1,64} takes long to compile.
var requestIDs = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// requestID sets X-Request-ID on every answer. It keeps a well-formed id of the client,
// so that a request has the same id in several services.
func requestID(c *gin.Context) {
	id := c.GetHeader(problem.RequestIDHeader)
	if len(id) > maxRequestID || !requestIDs.MatchString(id) {
		id = uuid.Must(uuid.NewV7()).String()
	}
	c.Header(problem.RequestIDHeader, id)
}

// maxPanic, in bytes, limits the message of a panic, so that its stack also fits into
// the log.
const maxPanic = 1 << 10

// answerPanics answers a panic with a 500, and logs its stack. If the answer has begun, it
// closes the connection, so that no client mistakes a part for the whole answer.
// http.ErrAbortHandler also closes the connection.
func answerPanics(c *gin.Context) {
	defer func() {
		cause, begun := recover(), c.Writer.Written()
		if cause == nil {
			return
		}
		aborted := cause == any(http.ErrAbortHandler)
		if !aborted {
			problem.Write(c, fmt.Errorf("panic: %s\n%s", truncate(fmt.Sprint(cause), maxPanic), debug.Stack()))
		}
		if aborted || begun {
			panic(http.ErrAbortHandler)
		}
	}()
	c.Next()
}

// securityHeaders are of every answer: it is not cached, and it is not a page.
var securityHeaders = http.Header{
	"Cache-Control":           {"no-store"},
	"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":         {"no-referrer"},
	"X-Content-Type-Options":  {"nosniff"},
	"X-Frame-Options":         {"DENY"},
}

func setHeaders(c *gin.Context) { maps.Copy(c.Writer.Header(), securityHeaders) }

// limitBody limits a request's body, in bytes.
func limitBody(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	}
}

// traceparent does not check for zeros, nor for the version ff, which is not allowed.
var traceparent = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)

// traceID returns the trace id of the traceparent header, or "" if that is missing or
// invalid (W3C Trace Context, section 3.2).
func traceID(header http.Header) string {
	values := header.Values("traceparent")
	if len(values) != 1 {
		return ""
	}
	found := traceparent.FindStringSubmatch(values[0])
	if found == nil {
		return ""
	}
	version, trace, parent, more := found[1], found[2], found[3], found[4] // later versions may have more
	if version == "ff" || version == "00" && more != "" || strings.Trim(trace, "0") == "" || strings.Trim(parent, "0") == "" {
		return ""
	}
	return trace
}

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
