package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238, and all that every app supports; HMAC needs no collision resistance
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/config"
)

// A one-time code (TOTP, RFC 6238) is the HOTP value (RFC 4226) of a step of 30 seconds.
// Authenticator apps ignore other values of these.
const (
	totpPeriod = 30 * time.Second
	totpDigits = 6
	totpLimit  = 1_000_000
	totpSkew   = 1  // the steps that a clock may be late or early
	totpSecret = 20 // bytes, as many as an HMAC-SHA-1
)

// minus is U+2212, the only dash that Unicode does not call one.
const minus = '\u2212'

// recoveryLetters is the length of a recovery code. Each letter has 5 bits.
const recoveryLetters = 16

var totpEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// OneTimeCode is a one-time code or a recovery code as a client sent it, in lower case
// and without the spaces, dashes and invisible characters that people type or paste. It
// prints as stars.
type OneTimeCode string

// UnmarshalText never returns an error: a text of a wrong form is a wrong code.
func (c *OneTimeCode) UnmarshalText(text []byte) error {
	*c = OneTimeCode(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.Pd) || r == minus {
			return -1
		}
		return unicode.ToLower(r)
	}, string(text)))
	return nil
}

func (OneTimeCode) String() string { return "********" }

// GoString hides the code from %#v.
func (c OneTimeCode) GoString() string { return c.String() }

// MarshalText hides the code from encoders.
func (c OneTimeCode) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// JSONSchemaBytes describes a code in the OpenAPI document.
func (OneTimeCode) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","examples":["123456"]}`), nil
}

// IsRecovery reports whether a code has the length of a recovery code.
func (c OneTimeCode) IsRecovery() bool { return len(c) == recoveryLetters }

// Hash returns what is stored of a recovery code. It needs no salt and no slow function,
// because the code is too random to guess.
func (c OneTimeCode) Hash() []byte {
	sum := sha256.Sum256([]byte(c))
	return sum[:]
}

// NewRecoveryCode makes a recovery code as people read it.
func NewRecoveryCode() (text string, code OneTimeCode) {
	letters := strings.ToLower(rand.Text()[:recoveryLetters])
	return letters[:4] + "-" + letters[4:8] + "-" + letters[8:12] + "-" + letters[12:], OneTimeCode(letters)
}

// TOTPSecret is what a server and an authenticator app make the same codes of.
type TOTPSecret []byte

// NewTOTPSecret makes a secret.
func NewTOTPSecret() TOTPSecret {
	secret := make(TOTPSecret, totpSecret)
	_, _ = rand.Read(secret) // it never fails
	return secret
}

// Text returns a secret in base 32.
func (s TOTPSecret) Text() string { return totpEncoding.EncodeToString(s) }

// URL returns what authenticator apps read from a QR code, in the format of Google
// Authenticator's Key URI. The name of the service has no colon.
func (s TOTPSecret) URL(service, account string) string {
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%.0f",
		escape(service), escape(account), s.Text(), escape(service), totpDigits, totpPeriod.Seconds())
}

// Find returns the step of a right code, which is near now and after the last step.
func (s TOTPSecret) Find(code OneTimeCode, now time.Time, last int64) (step int64, found bool) {
	current := now.Unix() / int64(totpPeriod.Seconds())
	for at := current - totpSkew; at <= current+totpSkew; at++ {
		if subtle.ConstantTimeCompare([]byte(s.Code(at)), []byte(code)) == 1 && at > last && !found {
			step, found = at, true
		}
	}
	return step, found
}

// Code returns the code of a step (RFC 4226, section 5.3).
func (s TOTPSecret) Code(step int64) string {
	mac := hmac.New(sha1.New, s)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", totpDigits, binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%totpLimit)
}

// TOTPKeys encrypt the secrets in the database: the first encrypts, all decrypt.
type TOTPKeys []cipher.AEAD

// NewTOTPKeys makes TOTPKeys from settings that config has checked.
func NewTOTPKeys(settings config.JWT) (keys TOTPKeys) {
	for _, key := range deriveKeys(settings, "one-time code") {
		block, err := aes.NewCipher(key)
		if err != nil {
			panic(err) // cannot happen with this size
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			panic(err) // cannot happen with this block
		}
		keys = append(keys, aead)
	}
	return keys
}

// Encrypt encrypts the secret of a user. No other user's row can use the result.
func (k TOTPKeys) Encrypt(userID uuid.UUID, secret TOTPSecret) []byte {
	return k[0].Seal(nil, nil, secret, userID[:]) //nolint:gosec // it makes a random nonce itself
}

// errTOTPSecret is for the log.
var errTOTPSecret = errors.New("the secret of one-time codes cannot be decrypted: put the former jwt.secret into jwt.previous_secrets, or turn the codes of this user off")

// Decrypt returns the secret of a user, and whether the current key has encrypted it.
func (k TOTPKeys) Decrypt(userID uuid.UUID, encrypted []byte) (secret TOTPSecret, current bool, err error) {
	for i, key := range k {
		if secret, err := key.Open(nil, nil, encrypted, userID[:]); err == nil {
			return secret, i == 0, nil
		}
	}
	return nil, false, fmt.Errorf("user %s: %w", userID, errTOTPSecret)
}
