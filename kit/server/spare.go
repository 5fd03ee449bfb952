package server

import (
	"context"
	"slices"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

type spareKey struct{}

// withSpare returns a context for the requests of a spare connection, which is above
// server.max_connections.
func withSpare(ctx context.Context) context.Context {
	return context.WithValue(ctx, spareKey{}, true)
}

// healthOnly allows only these routes on a spare connection, and closes that
// connection after the answer.
func healthOnly(paths ...string) gin.HandlerFunc {
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
