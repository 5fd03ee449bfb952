// Package problem is what can go wrong: one type, one list of codes, and the
// one writer of error answers (RFC 9457).
package problem

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Problem is an error a client may see. Code is its stable machine word;
// two problems with one Code are the same to errors.Is.
type Problem struct {
	Status     int
	Code       string
	Detail     string
	Errors     []FieldError
	RetryAfter time.Duration
	OAuthError string // where set, the answer is RFC 6749's instead (section 5.2)

	cause error // for the log, never for the client
}

// A FieldError is one broken rule, under the name the client sent.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (p *Problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%s: %v", p.Code, p.cause)
	}
	return p.Code
}

// Describe says in one line what the client is told: the fields at fault, or
// the detail.
func (p *Problem) Describe() string {
	if len(p.Errors) == 0 {
		return p.Detail
	}
	fields := make([]string, len(p.Errors))
	for i, field := range p.Errors {
		fields[i] = field.Field + " " + field.Message
	}
	return strings.Join(fields, "; ")
}

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.cause }

// Is reports whether target is the same problem, whatever its details.
func (p *Problem) Is(target error) bool {
	other, ok := target.(*Problem)
	return ok && other.Code == p.Code
}

// Because returns a copy that carries cause to the log.
func (p *Problem) Because(cause error) *Problem {
	with := *p
	with.cause = cause
	return &with
}

// Detailed returns a copy with another detail.
func (p *Problem) Detailed(format string, args ...any) *Problem {
	with := *p
	with.Detail = fmt.Sprintf(format, args...)
	return &with
}

// Invalid is validation_failed with the fields at fault.
func Invalid(fields ...FieldError) *Problem {
	with := *ValidationFailed
	with.Errors = fields
	return &with
}

// Field is validation_failed for one field.
func Field(name, message string) *Problem {
	return Invalid(FieldError{Field: name, Message: message})
}

// OAuth returns a copy that is answered as an OAuth2 client expects.
func (p *Problem) OAuth(code string) *Problem {
	with := *p
	with.Status, with.OAuthError = http.StatusBadRequest, code
	return &with
}

// After returns a copy that asks the client to wait.
func (p *Problem) After(wait time.Duration) *Problem {
	with := *p
	with.RetryAfter = wait
	return &with
}
