package endpoint

import (
	"context"

	"github.com/gin-gonic/gin"
)

// Stopping has the two stages of a server's shutdown. Asked is done once the server
// was asked to stop and still accepts requests. Draining is done once it accepts no
// more requests and waits for the running ones.
type Stopping struct{ Asked, Draining context.Context }

type stoppingKey struct{}

// WithStopping returns a context for the requests of a server.
func WithStopping(ctx context.Context, stopping Stopping) context.Context {
	return context.WithValue(ctx, stoppingKey{}, stopping)
}

// StoppingFrom returns the stages of a request's server. Without a server they are
// never done.
func StoppingFrom(ctx context.Context) Stopping {
	if stopping, ok := ctx.Value(stoppingKey{}).(Stopping); ok {
		return stopping
	}
	return Stopping{context.Background(), context.Background()}
}

// Stream returns the route with an answer that may not end, such as Server-Sent
// Events. The context of its request ends when the server stops.
func (r Route) Stream() Route {
	r.stream = true
	return r.With(untilDraining)
}

// Streams reports whether the route was made with Stream.
func (r Route) Streams() bool { return r.stream }

func untilDraining(c *gin.Context) {
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	defer context.AfterFunc(StoppingFrom(ctx).Draining, cancel)()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}
