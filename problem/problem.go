// Package problem is what can go wrong: one type, one list of codes, and the
// one writer of error answers (RFC 9457).
package problem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// What is listed of the fields at fault: how many, and how much of each name, in bytes.
const (
	maxErrors = 100
	maxName   = 100
)

// A Problem is an error a client may see. Code is its stable machine word;
// two problems with one Code are the same to errors.Is.
type Problem struct {
	Status     int
	Code       string
	Detail     string
	Errors     []FieldError
	RetryAfter time.Duration

	unlisted int    // how many fields at fault are not in Errors
	media    string // of the body that another standard asks for, "" for a problem's own
	body     any
	cause    error // for the log, never for the client
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
	if p.unlisted > 0 {
		fields = append(fields, p.more())
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

// Invalid is validation_failed with the fields at fault, sorted by their names.
// It lists the first 100 fields, and the first 100 bytes of a name, for a client
// may send any number of names of any length. The detail counts the other fields.
func Invalid(fields ...FieldError) *Problem {
	with := *ValidationFailed
	with.Errors = slices.Clone(fields[:min(len(fields), maxErrors)])
	for i := range with.Errors {
		with.Errors[i].Field = shortened(with.Errors[i].Field)
	}
	slices.SortFunc(with.Errors, func(a, b FieldError) int { return cmp.Compare(a.Field, b.Field) })
	if with.unlisted = len(fields) - len(with.Errors); with.unlisted > 0 {
		with.Detail = fmt.Sprintf("%s: %d are listed, %s", with.Detail, len(with.Errors), with.more())
	}
	return &with
}

// more says how many fields at fault are not listed.
func (p *Problem) more() string { return "and " + humanize.Comma(int64(p.unlisted)) + " more" }

// shortened cuts a name that is too long, between two characters.
func shortened(name string) string {
	if len(name) <= maxName {
		return name
	}
	end := maxName
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "…"
}

// Field is validation_failed for one field.
func Field(name, message string) *Problem {
	return Invalid(FieldError{Field: name, Message: message})
}

// Exists is already_exists for the fields whose values another row has.
func Exists(fields ...string) *Problem {
	with := *AlreadyExists
	for _, field := range fields {
		with.Errors = append(with.Errors, FieldError{Field: field, Message: "is taken"})
	}
	return &with
}

// Answered returns a problem for the same cause that is answered with a body of
// another standard, which calls it code.
func (p *Problem) Answered(status int, code, media string, body any) *Problem {
	return &Problem{Status: status, Code: code, Detail: p.Describe(), media: media, body: body, cause: p}
}

// Own gives the body of another standard and its media type, "" where the answer
// is a problem of RFC 9457.
func (p *Problem) Own() (media string, body any) { return p.media, p.body }

// WithRetryAfter returns a copy that asks the client to wait.
func (p *Problem) WithRetryAfter(wait time.Duration) *Problem {
	with := *p
	with.RetryAfter = wait
	return &with
}
