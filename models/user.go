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
}

// Role is what a user may do. Each role may do what those before it in Roles may.
type Role string

// The roles.
const (
	RoleUser  Role = "user"
	RoleAdmin Role = "admin"
)

// Roles are all roles, from the least. A role that is added here is known to
// the routes' access, the document and the command line.
var Roles = []Role{RoleUser, RoleAdmin}

// Has reports whether the role may do what another may.
func (r Role) Has(other Role) bool {
	least := slices.Index(Roles, other)
	return least >= 0 && slices.Index(Roles, r) >= least
}

// UnmarshalText refuses what is not one of Roles.
func (r *Role) UnmarshalText(text []byte) error {
	if *r = Role(text); !slices.Contains(Roles, *r) {
		return fmt.Errorf("must be one of %v", Roles)
	}
	return nil
}

// JSONSchemaBytes describes a role in the document.
func (Role) JSONSchemaBytes() ([]byte, error) {
	return json.Marshal(map[string]any{"type": "string", "enum": Roles})
}

// Email is an address in the one form in which it is stored and compared: trimmed,
// NFKC, lower case, the domain in ASCII. Reading one from JSON or a form brings it
// into this form, so look-alikes meet the unique index.
type Email string

// An address has at most 254 octets (RFC 5321, section 4.5.3.1.3). NFKC makes a
// text at most 4 times shorter, so what is over 4 times as long has no such form.
// It is not folded, because NFKC can also make a text 18 times longer.
const maxTyped = 4 * 254

// The words are those of the rules max=254 and email.
var (
	errEmailTooLong = errors.New("must be a maximum of 254 characters in length")
	errNotAnEmail   = errors.New("must be a valid email address")
)

// domains are host names with letters of any script (RFC 5891), as ASCII.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// NewEmail folds an address as typed. The error is about one of over 1,016 bytes,
// with characters that cannot be seen, a quoted local part, or a domain that is
// not a host name.
func NewEmail(typed string) (Email, error) {
	if len(typed) > maxTyped {
		return "", errEmailTooLong
	}
	folded := norm.NFKC.String(strings.ToLower(norm.NFKC.String(typed)))
	folded = strings.TrimFunc(folded, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
	if utf8.RuneCountInString(folded) > 254 {
		return "", errEmailTooLong
	}
	local, domain, found := strings.Cut(folded, "@")
	if !found { // a login may be tried with it, and the rule email refuses it
		return Email(folded), nil
	}
	ascii, err := domains.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil || strings.HasPrefix(local, `"`) || strings.ContainsFunc(folded, isInvisible) {
		return "", errNotAnEmail
	}
	return Email(local + "@" + ascii), nil
}

func isInvisible(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Cc) }

// UnmarshalText folds an address as it is read.
func (e *Email) UnmarshalText(text []byte) (err error) {
	*e, err = NewEmail(string(text))
	return err
}

// JSONSchemaBytes describes an email in the document.
func (Email) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","maxLength":254,"examples":["ada@example.com"]}`), nil
}
