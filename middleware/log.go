package middleware

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/auth"
	"example.com/latchkey/problem"
)

// maxMethod, in bytes, is more than any method has that a client sends in earnest.
const maxMethod = 32

// maxPath, in bytes, is enough to see what a client has misspelt.
const maxPath = 100

// Log writes one line a request: its route's pattern, or where there is no route
// its path; never its query, headers or body, any of which may hold a secret.
func Log(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		start := time.Now()
		defer func() { logRequest(log, c, start) }() // also where the handlers end the connection
		c.Next()
	}
}

func logRequest(log *slog.Logger, c *gin.Context, start time.Time) {
	status, ctx := c.Writer.Status(), c.Request.Context()
	failed := c.Errors.Last()
	level := slog.LevelInfo
	switch {
	case failed != nil && (errors.Is(failed, auth.ErrTheft) || errors.Is(failed, problem.Overloaded)): // a crowd is not a fault of ours
		level = slog.LevelWarn
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", cut(c.Request.Method, maxMethod)),
		slog.String("route", c.FullPath()),
		slog.Int("status", status),
		slog.Float64("latency_ms", float64(time.Since(start).Microseconds())/1e3),
		slog.String("ip", c.ClientIP()),
		slog.String("request_id", c.Writer.Header().Get(problem.RequestIDHeader)),
	}
	if c.FullPath() == "" { // of no route, so what was asked for is the only hint
		attrs = append(attrs, slog.String("path", cut(c.Request.URL.EscapedPath(), maxPath)))
	}
	if user, ok := auth.UserFrom(ctx); ok {
		attrs = append(attrs, slog.String("user_id", user.ID.String()))
	}
	if failed != nil {
		attrs = append(attrs, slog.String("error", failed.Error()))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}

// cut bounds what a stranger can write into the log.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
