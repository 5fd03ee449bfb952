package middleware

import (
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/problem"
)

var requestIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// RequestID gives every answer an X-Request-ID: the client's, where it is well
// formed, so that one id follows a request through many services.
func RequestID(c *gin.Context) {
	id := c.GetHeader(problem.RequestIDHeader)
	if !requestIDs.MatchString(id) {
		id = uuid.Must(uuid.NewV7()).String()
	}
	c.Header(problem.RequestIDHeader, id)
}

// maxPanic, in bytes, bounds a panic's own words, so that the log has room for
// its stack.
const maxPanic = 1 << 10

// Recover answers a panic like any other unknown error; its stack goes to the
// log. Where the answer has begun, it ends the connection, so that no client takes
// what it has for the whole; so does http.ErrAbortHandler.
func Recover() gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			cause, begun := recover(), c.Writer.Written()
			if cause == nil {
				return
			}
			aborted := cause == any(http.ErrAbortHandler)
			if !aborted {
				problem.Write(c, fmt.Errorf("panic: %s\n%s", cut(fmt.Sprint(cause), maxPanic), debug.Stack()))
			}
			if aborted || begun {
				panic(http.ErrAbortHandler)
			}
		}()
		c.Next()
	}
}

// Headers says what holds for every answer: it is an API's, for one reader
// only, and no page.
func Headers(c *gin.Context) {
	header := c.Writer.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}

// MaxBody ends the reading of a request's body after limit, in bytes.
func MaxBody(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	}
}
