package problem

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
)

type realmKey struct{}

// WithRealm returns the context of a request with the name of the protection space, for its
// challenges (RFC 9110, section 11.5).
func WithRealm(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, realmKey{}, name)
}

// RequestIDHeader has the id of a request, which is also in the log.
const RequestIDHeader = "X-Request-ID"

// Write sends err as the answer and aborts the request's handlers. An error that is
// not a Problem becomes a 500; only the log has its text.
func Write(c *gin.Context, err error) {
	p := Prepare(c, err)
	if c.Writer.Written() {
		return
	}
	contentType, answer := p.Body()
	if contentType == "" {
		contentType, answer = ContentType, p.Details(c.Writer.Header().Get(RequestIDHeader))
	}
	body, err := json.Marshal(answer)
	if err != nil {
		_ = c.Error(err)
	}
	c.Header("Content-Type", contentType) // replaces that of a handler
	c.Data(p.Status, contentType, body)
}

// Prepare is Write without the body, for an answer that is a page. It logs err, aborts the
// request's handlers and sets the headers of the problem that it returns.
func Prepare(c *gin.Context, err error) *Problem {
	p := from(c.Request.Context(), err)
	_ = c.Error(p)
	c.Abort()
	if p.Status == http.StatusUnauthorized {
		realm, _ := c.Request.Context().Value(realmKey{}).(string)
		c.Header("WWW-Authenticate", p.challenge(realm))
	}
	if p.RetryAfter > 0 {
		c.Header("Retry-After", fmt.Sprint(math.Ceil(p.RetryAfter.Seconds())))
	}
	return p
}

// ContentType is the content type of a problem (RFC 9457, section 3).
const ContentType = "application/problem+json"

// Details is the JSON of a problem (RFC 9457).
type Details struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Code      string       `json:"code"`
	RequestID string       `json:"request_id"`
	Errors    []FieldError `json:"errors,omitempty" binding:"max=100"`
}

// Details returns the JSON of a problem.
func (p *Problem) Details(requestID string) Details {
	return Details{"about:blank", http.StatusText(p.Status), p.Status, p.Detail, p.Code, requestID, p.Errors}
}

func from(ctx context.Context, err error) *Problem {
	var p *Problem
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return clientGone
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooLarge): // also if a handler read the body
		return BodyTooLarge.Detailed("The body is over %d bytes", tooLarge.Limit)
	}
	return Internal.Because(err)
}

// challenge returns the value of WWW-Authenticate (RFC 6750, section 3). It has an
// error code only if a token was sent and refused.
func (p *Problem) challenge(realm string) string {
	if p.Challenge == "" {
		return fmt.Sprintf("Bearer realm=%q", realm)
	}
	return fmt.Sprintf("Bearer realm=%q, error=%q, error_description=%q", realm, p.Challenge, p.Detail)
}
