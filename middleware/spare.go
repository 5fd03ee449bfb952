package middleware

import (
	"context"
	"slices"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/problem"
)

type spareKey struct{}

// OnSpare returns a context for the requests of a spare connection, one past
// server.max_connections.
func OnSpare(ctx context.Context) context.Context {
	return context.WithValue(ctx, spareKey{}, true)
}

// HealthOnly lets a request on a spare connection pass only to these routes, and
// ends that connection after its answer.
func HealthOnly(paths ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.Context().Value(spareKey{}) == nil {
			return
		}
		c.Header("Connection", "close")
		if !slices.Contains(paths, c.FullPath()) {
			problem.Write(c, problem.Overloaded.Detailed("Too many connections at once, try again later"))
		}
	}
}
