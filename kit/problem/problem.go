// Package problem has the errors that clients receive (RFC 9457): their type, their
// codes, and the function that writes them.
package problem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// maxErrors is how many fields Errors has.
const maxErrors = 100

// maxName, in bytes, is the length of a name in Errors.
const maxName = 100

// A Problem is an error that a client may receive. Code is for programs and never
// changes. errors.Is compares problems by Code.
type Problem struct {
	Status     int
	Code       string
	Detail     string
	Errors     []FieldError
	RetryAfter time.Duration
	Challenge  string // the error code of WWW-Authenticate (RFC 6750, section 3.1), in a 401 that refuses a token

	unlisted    int    // how many invalid fields are not in Errors
	contentType string // of body, if another standard than RFC 9457 defines it, else ""
	body        any
	cause       error // for the log, never for the client
}

// A FieldError is an invalid field, with the name that the client sent.
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

// Describe returns the invalid fields, or else the detail, in one line.
func (p *Problem) Describe() string {
	if len(p.Errors) == 0 {
		return p.Detail
	}
	fields := make([]string, len(p.Errors))
	for i, field := range p.Errors {
		fields[i] = field.Field + " " + field.Message
	}
	if p.unlisted > 0 {
		fields = append(fields, p.more())
	}
	return strings.Join(fields, "; ")
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.cause }

// Is reports whether target is a problem with the same code.
func (p *Problem) Is(target error) bool {
	other, ok := target.(*Problem)
	return ok && other.Code == p.Code
}

// Because returns a copy with a cause for the log.
func (p Problem) Because(cause error) *Problem {
	p.cause = cause
	return &p
}

// Detailed returns a copy with another detail.
func (p Problem) Detailed(format string, args ...any) *Problem {
	p.Detail = fmt.Sprintf(format, args...)
	return &p
}

// Invalid returns validation_failed with the invalid fields, sorted by name. It lists
// the first 100 fields, and the first 100 bytes of each name, because a client can
// send any number of names of any length. The detail counts the other fields.
func Invalid(fields ...FieldError) *Problem {
	with := *ValidationFailed
	with.Errors = slices.Clone(fields[:min(len(fields), maxErrors)])
	for i, field := range with.Errors {
		if len(field.Field) > maxName {
			with.Errors[i].Field = strings.ToValidUTF8(field.Field[:maxName], "") + "…" // without a part of a character
		}
	}
	slices.SortFunc(with.Errors, func(a, b FieldError) int { return cmp.Compare(a.Field, b.Field) })
	if with.unlisted = len(fields) - len(with.Errors); with.unlisted > 0 {
		with.Detail = fmt.Sprintf("%s: %d are listed, %s", with.Detail, len(with.Errors), with.more())
	}
	return &with
}

// more says how many invalid fields are not listed.
func (p *Problem) more() string { return "and " + humanize.Comma(int64(p.unlisted)) + " more" }

// Field returns validation_failed for one field.
func Field(name, message string) *Problem {
	return Invalid(FieldError{Field: name, Message: message})
}

// Exists returns already_exists for fields whose values another row has.
func Exists(fields ...string) *Problem {
	with := *AlreadyExists
	for _, field := range fields {
		with.Errors = append(with.Errors, FieldError{Field: field, Message: "is taken"})
	}
	return &with
}

// WithBody returns a problem, caused by p, whose body and code another standard than
// RFC 9457 defines.
func (p *Problem) WithBody(status int, code, contentType string, body any) *Problem {
	return &Problem{Status: status, Code: code, Detail: p.Describe(), contentType: contentType, body: body, cause: p}
}

// Body returns the content type and the body of WithBody, or "" and nil for a problem
// of RFC 9457.
func (p *Problem) Body() (contentType string, body any) { return p.contentType, p.body }

// WithRetryAfter returns a copy that asks the client to wait.
func (p Problem) WithRetryAfter(wait time.Duration) *Problem {
	p.RetryAfter = wait
	return &p
}
