package endpoint

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// Stopping are the signs that a server gives before it stops: Asked is done when
// it was asked to stop and still takes requests, and Draining when it takes no
// more and waits for the running ones.
type Stopping struct{ Asked, Draining context.Context }

type stoppingKey struct{}

// WithStopping returns a context for a server's requests.
func WithStopping(ctx context.Context, stopping Stopping) context.Context {
	return context.WithValue(ctx, stoppingKey{}, stopping)
}

// StoppingFrom gives the signs of the server of a request. Where no server runs,
// they are never done.
func StoppingFrom(ctx context.Context) Stopping {
	if stopping, ok := ctx.Value(stoppingKey{}).(Stopping); ok {
		return stopping
	}
	return Stopping{context.Background(), context.Background()}
}

// Stream returns the route as one whose answer goes on for as long as both sides
// wish, such as Server-Sent Events or a long download: nothing bounds the time of
// its writes, and its request's context ends when the server stops.
func (r Route) Stream() Route {
	r.stream = true
	return r.With(unbounded)
}

// Streams reports whether the route's answer goes on.
func (r Route) Streams() bool { return r.stream }

func unbounded(c *gin.Context) {
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Time{}) // a test's writer has none
	ctx, end := context.WithCancel(c.Request.Context())
	defer end()
	defer context.AfterFunc(StoppingFrom(ctx).Draining, end)()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}
