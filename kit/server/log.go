package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/problem"
)

// maxMethod, in bytes, is longer than every real method.
const maxMethod = 32

// maxPath, in bytes, is enough to see a misspelt path.
const maxPath = 100

// logRequests writes one line for each request. It has the pattern of the route or, without a
// route, the path, but never the query, headers or body, because these may contain
// secrets. Of the requests of a second that are overloaded, it writes the first, and
// then how many more there were, because a refusal must cost little.
//
// more returns what the program adds to the line, and the level of the line if that is
// higher. It may be nil.
func logRequests(log *slog.Logger, more func(ctx context.Context, err error) (slog.Level, []slog.Attr)) gin.HandlerFunc {
	var refused atomic.Int64 // in this second
	countMore := func() {
		if more := refused.Swap(0) - 1; more > 0 {
			log.Warn("more requests were refused: too many at once", "count", more)
		}
	}
	return func(c *gin.Context) {
		start := time.Now()
		defer func() { // also if a handler panics to close the connection
			var failed error
			if last := c.Errors.Last(); last != nil {
				failed = last
			}
			if errors.Is(failed, problem.Overloaded) {
				if refused.Add(1) > 1 {
					return
				}
				time.AfterFunc(time.Second, countMore)
			}
			logRequest(log, more, c, failed, start)
		}()
		c.Next()
	}
}

func logRequest(log *slog.Logger, more func(context.Context, error) (slog.Level, []slog.Attr), c *gin.Context, failed error, start time.Time) {
	status, ctx := c.Writer.Status(), c.Request.Context()
	level, added := slog.LevelInfo, []slog.Attr(nil)
	if more != nil {
		level, added = more(ctx, failed)
	}
	switch {
	case errors.Is(failed, problem.Overloaded): // too many requests are not an error of the server
		level = max(level, slog.LevelWarn)
	case status >= http.StatusInternalServerError:
		level = max(level, slog.LevelError)
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", truncate(c.Request.Method, maxMethod)),
		slog.String("route", c.FullPath()),
		slog.Int("status", status),
		slog.Float64("latency_ms", float64(time.Since(start).Microseconds())/1e3),
		slog.String("ip", client.From(ctx).IP),
		slog.String("request_id", client.From(ctx).RequestID),
	}
	if c.FullPath() == "" { // there is no route, so the path is the only hint
		attrs = append(attrs, slog.String("path", truncate(c.Request.URL.EscapedPath(), maxPath)))
	}
	if trace := traceID(c.Request.Header); trace != "" {
		attrs = append(attrs, slog.String("trace_id", trace))
	}
	attrs = append(attrs, added...)
	if failed != nil {
		attrs = append(attrs, slog.String("error", failed.Error()))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}

// truncate limits what a client can write into the log.
func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return text[:limit] + "…"
}
