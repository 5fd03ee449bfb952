// Package email has email addresses in the one form in which they are stored and compared.
package email

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Address is an address in the form in which it is stored and compared: trimmed, NFKC,
// lower case, with the domain in ASCII. An email in JSON or a form is converted to it,
// so that the unique index finds an equal address that is written in another way.
type Address string

// An address has at most 254 octets (RFC 5321, section 4.5.3.1.3). NFKC makes a text
// at most 4 times shorter, so a longer one is never an address. It is refused before
// NFKC, which can also make a text 18 times longer.
const maxTyped = 4 * 254

// The messages are those of the validation rules max=254 and email.
var (
	errTooLong    = errors.New("must be a maximum of 254 characters in length")
	errNotAnEmail = errors.New("must be a valid email address")
)

// domains converts host names with letters of any script to ASCII (RFC 5891).
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// Parse converts a typed address. It returns an error if the address is too long,
// has invisible characters or a quoted local part, or if its domain is not a host
// name.
func Parse(typed string) (Address, error) {
	if len(typed) > maxTyped {
		return "", errTooLong
	}
	normalized := normalize(typed)
	if utf8.RuneCountInString(normalized) > 254 {
		return "", errTooLong
	}
	local, domain, found := strings.Cut(normalized, "@")
	if !found { // the validation rule email refuses it; a login with it only fails
		return Address(normalized), nil
	}
	ascii, err := domains.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil || strings.HasPrefix(local, `"`) || strings.ContainsFunc(normalized, isInvisible) {
		return "", errNotAnEmail
	}
	return Address(local + "@" + ascii), nil
}

func normalize(typed string) string {
	normalized := norm.NFKC.String(strings.ToLower(norm.NFKC.String(typed)))
	return strings.TrimFunc(normalized, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

func isInvisible(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Cc) }

// UnmarshalText converts an address from JSON or a form.
func (e *Address) UnmarshalText(text []byte) (err error) {
	*e, err = Parse(string(text))
	return err
}

// JSONSchemaBytes describes an email in the OpenAPI document.
func (Address) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","maxLength":254,"examples":["ada@example.com"]}`), nil
}

// Prefix is the beginning of an Address, in the form in which that is stored.
type Prefix string

// UnmarshalText converts the beginning of an address from a query.
func (p *Prefix) UnmarshalText(text []byte) error {
	email, err := Parse(string(text))
	if errors.Is(err, errNotAnEmail) { // such as ada@, which has no domain yet
		email, err = Address(normalize(string(text))), nil
	}
	*p = Prefix(email)
	return err
}

// JSONSchemaBytes describes the beginning of an email in the OpenAPI document.
func (Prefix) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","maxLength":254,"examples":["ada@"]}`), nil
}
