package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
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

// Email is an address in the form in which it is stored and compared: trimmed, NFKC,
// lower case, with the domain in ASCII. An email in JSON or a form is converted to it,
// so that the unique index finds an equal address that is written in another way.
type Email string

// An address has at most 254 octets (RFC 5321, section 4.5.3.1.3). NFKC makes a text
// at most 4 times shorter, so a longer one is never an address. It is refused before
// NFKC, which can also make a text 18 times longer.
const maxTyped = 4 * 254

// The messages are those of the validation rules max=254 and email.
var (
	errEmailTooLong = errors.New("must be a maximum of 254 characters in length")
	errNotAnEmail   = errors.New("must be a valid email address")
)

// domains converts host names with letters of any script to ASCII (RFC 5891).
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// NewEmail converts a typed address. It returns an error if the address is too long,
// has invisible characters or a quoted local part, or if its domain is not a host
// name.
func NewEmail(typed string) (Email, error) {
	if len(typed) > maxTyped {
		return "", errEmailTooLong
	}
	normalized := normalize(typed)
	if utf8.RuneCountInString(normalized) > 254 {
		return "", errEmailTooLong
	}
	local, domain, found := strings.Cut(normalized, "@")
	if !found { // the validation rule email refuses it; a login with it only fails
		return Email(normalized), nil
	}
	ascii, err := domains.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil || strings.HasPrefix(local, `"`) || strings.ContainsFunc(normalized, isInvisible) {
		return "", errNotAnEmail
	}
	return Email(local + "@" + ascii), nil
}

func normalize(typed string) string {
	normalized := norm.NFKC.String(strings.ToLower(norm.NFKC.String(typed)))
	return strings.TrimFunc(normalized, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

func isInvisible(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Cc) }

// UnmarshalText converts an address from JSON or a form.
func (e *Email) UnmarshalText(text []byte) (err error) {
	*e, err = NewEmail(string(text))
	return err
}

// JSONSchemaBytes describes an email in the OpenAPI document.
func (Email) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","maxLength":254,"examples":["ada@example.com"]}`), nil
}

// EmailPrefix is the beginning of an Email, in the form in which that is stored.
type EmailPrefix string

// UnmarshalText converts the beginning of an address from a query.
func (p *EmailPrefix) UnmarshalText(text []byte) error {
	email, err := NewEmail(string(text))
	if errors.Is(err, errNotAnEmail) { // such as ada@, which has no domain yet
		email, err = Email(normalize(string(text))), nil
	}
	*p = EmailPrefix(email)
	return err
}

// JSONSchemaBytes describes the beginning of an email in the OpenAPI document.
func (EmailPrefix) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","maxLength":254,"examples":["ada@"]}`), nil
}
