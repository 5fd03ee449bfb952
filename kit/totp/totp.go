// Package totp makes and finds the one-time codes of authenticator apps (TOTP, RFC 6238), and
// recovery codes.
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238, and all that every app supports; HMAC needs no collision resistance
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// A one-time code (TOTP, RFC 6238) is the HOTP value (RFC 4226) of a step of 30 seconds.
// Authenticator apps ignore other values of these.
const (
	period     = 30 * time.Second
	digits     = 6
	limit      = 1_000_000
	skew       = 1  // the steps that a clock may be late or early
	secretSize = 20 // bytes, as many as an HMAC-SHA-1
)

// minus is U+2212, the only dash that Unicode does not call one.
const minus = '\u2212'

// recoveryLetters is the length of a recovery code. Each letter has 5 bits.
const recoveryLetters = 16

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Code is a one-time code or a recovery code as a client sent it, in lower case
// and without the spaces, dashes and invisible characters that people type or paste. It
// prints as stars.
type Code string

// UnmarshalText never returns an error: a text of a wrong form is a wrong code.
func (c *Code) UnmarshalText(text []byte) error {
	*c = Code(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.Pd) || r == minus {
			return -1
		}
		return unicode.ToLower(r)
	}, string(text)))
	return nil
}

func (Code) String() string { return "********" }

// GoString hides the code from %#v.
func (c Code) GoString() string { return c.String() }

// MarshalText hides the code from encoders.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// JSONSchemaBytes describes a code in the OpenAPI document.
func (Code) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","examples":["123456"]}`), nil
}

// IsRecovery reports whether a code has the length of a recovery code.
func (c Code) IsRecovery() bool { return len(c) == recoveryLetters }

// Hash returns what is stored of a recovery code. It needs no salt and no slow function,
// because the code is too random to guess.
func (c Code) Hash() []byte {
	sum := sha256.Sum256([]byte(c))
	return sum[:]
}

// NewRecoveryCode makes a recovery code as people read it.
func NewRecoveryCode() (text string, code Code) {
	letters := strings.ToLower(rand.Text()[:recoveryLetters])
	return letters[:4] + "-" + letters[4:8] + "-" + letters[8:12] + "-" + letters[12:], Code(letters)
}

// Secret is what a server and an authenticator app make the same codes of.
type Secret []byte

// NewSecret makes a secret.
func NewSecret() Secret {
	secret := make(Secret, secretSize)
	_, _ = rand.Read(secret) // it never fails
	return secret
}

// Text returns a secret in base 32.
func (s Secret) Text() string { return encoding.EncodeToString(s) }

// URL returns what authenticator apps read from a QR code, in the format of Google
// Authenticator's Key URI. The name of the service has no colon.
func (s Secret) URL(service, account string) string {
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%.0f",
		escape(service), escape(account), s.Text(), escape(service), digits, period.Seconds())
}

// Find returns the step of a right code, which is near now and after the last step.
func (s Secret) Find(code Code, now time.Time, last int64) (step int64, found bool) {
	current := now.Unix() / int64(period.Seconds())
	for at := current - skew; at <= current+skew; at++ {
		if subtle.ConstantTimeCompare([]byte(s.At(at)), []byte(code)) == 1 && at > last && !found {
			step, found = at, true
		}
	}
	return step, found
}

// At returns the code of a step (RFC 4226, section 5.3).
func (s Secret) At(step int64) string {
	mac := hmac.New(sha1.New, s)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", digits, binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%limit)
}
