package models

import (
	"encoding/json"
	"fmt"
	"slices"

	"example.com/latchkey/kit/email"
)

// User is an account.
type User struct {
	Base
	Email         Email   `json:"email"`
	Name          *string `json:"name"`
	PasswordHash  string  `json:"-"`
	Role          Role    `json:"role"`
	EmailVerified bool    `json:"email_verified"`
	Disabled      bool    `json:"-"`
	EmailChanges  int     `json:"-"` // how often Email has changed
}

// Role is what a user may do. A role may also do everything that the roles before it
// in Roles may do.
type Role string

// The roles.
const (
	RoleUser  Role = "user"
	RoleAdmin Role = "admin"
)

// Roles has all roles, the least powerful first. A role that is added here also works
// in the access of routes, in the OpenAPI document and on the command line.
var Roles = []Role{RoleUser, RoleAdmin}

// Has reports whether a role may do everything that another one may do.
func (r Role) Has(other Role) bool {
	least := slices.Index(Roles, other)
	return least >= 0 && slices.Index(Roles, r) >= least
}

// UnmarshalText returns an error for a text that is not one of Roles.
func (r *Role) UnmarshalText(text []byte) error {
	if *r = Role(text); !slices.Contains(Roles, *r) {
		return fmt.Errorf("must be one of %v", Roles)
	}
	return nil
}

// JSONSchemaBytes describes a role in the OpenAPI document.
func (Role) JSONSchemaBytes() ([]byte, error) {
	return json.Marshal(map[string]any{"type": "string", "enum": Roles})
}

// Email is the address of a user, in the one form in which it is compared.
type Email = email.Address

// EmailPrefix is the beginning of an Email.
type EmailPrefix = email.Prefix

// NewEmail converts a typed address.
func NewEmail(typed string) (Email, error) { return email.Parse(typed) }
