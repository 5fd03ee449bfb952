package models

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// User is an account.
type User struct {
	Base
	Email         Email  `json:"email"`
	PasswordHash  string `json:"-"`
	Role          Role   `json:"role"`
	EmailVerified bool   `json:"email_verified"`
	Disabled      bool   `json:"-"`
}

// Role is what a user may do.
type Role string

// The roles, from the least.
const (
	RoleUser  Role = "user"
	RoleAdmin Role = "admin"
)

// Email is an address in the one form it is stored and compared in: trimmed,
// NFKC, lower case. Reading one from JSON or a form brings it into this form,
// so look-alikes meet the unique index.
type Email string

// NewEmail folds an address as typed.
func NewEmail(typed string) Email {
	folded := norm.NFKC.String(strings.ToLower(norm.NFKC.String(typed)))
	return Email(strings.TrimSpace(folded))
}

// UnmarshalText folds an address as it is read.
func (e *Email) UnmarshalText(text []byte) error {
	*e = NewEmail(string(text))
	return nil
}
