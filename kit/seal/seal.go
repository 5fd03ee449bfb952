// Package seal signs and encrypts small values with keys that are derived from secrets, so
// that a value can leave the server and come back unchanged.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"example.com/latchkey/kit/settings"
)

// Keys are keys for one use. The first signs and encrypts; the others, of previous
// secrets, also verify and decrypt.
type Keys [][]byte

// Derive derives the keys for a use from secrets (RFC 5869), the current one first.
func Derive(secrets []settings.Secret, use string) (keys Keys) {
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, secret.Bytes(), nil, use, sha256.Size)
		if err != nil {
			panic(err) // cannot happen with this size
		}
		keys = append(keys, key)
	}
	return keys
}

// encoding refuses non-zero padding bits, so that a value has one form only.
var encoding = base64.RawURLEncoding.Strict()

// Sign returns a payload and its MAC as one text. What the MAC also covers, before and
// after the payload, is not in the text: a purpose, or a state that a use changes.
func (k Keys) Sign(payload []byte, before, after string) string {
	return encoding.EncodeToString(append(payload[:len(payload):len(payload)], macOf(k[0], before, payload, after)...))
}

// Signed is a text of Sign that is not verified yet.
type Signed struct{ Payload, mac []byte }

// Parse reads a text of Sign whose payload has a size in bytes. It reports whether the
// text has that form.
func Parse(text string, size int) (Signed, bool) {
	raw, err := encoding.DecodeString(text)
	// Both lengths are checked, because the decoder ignores line ends.
	if err != nil || len(raw) != size+sha256.Size || len(text) != encoding.EncodedLen(len(raw)) {
		return Signed{}, false
	}
	return Signed{raw[:size], raw[size:]}, true
}

// Verify reports whether one of the keys has signed a payload, with the same text before
// and after it.
func (k Keys) Verify(s Signed, before, after string) bool {
	for _, key := range k {
		if hmac.Equal(macOf(key, before, s.Payload, after), s.mac) {
			return true
		}
	}
	return false
}

// Hash returns a keyed hash of a text, for what is stored and must not be guessed from it.
func (k Keys) Hash(text string) []byte { return macOf(k[0], text, nil, "") }

func macOf(key []byte, before string, payload []byte, after string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(before))
	mac.Write(payload)
	mac.Write([]byte(after))
	return mac.Sum(nil)
}

// Encrypt encrypts a value (AES-256-GCM). Decrypt needs the same context, such as the id of
// the row that has it, so that no other row can use it.
func (k Keys) Encrypt(value, context []byte) []byte {
	return aeadOf(k[0]).Seal(nil, nil, value, context) //nolint:gosec // it makes a random nonce itself
}

// errDecrypt is the error of a value that no key has encrypted in this context.
var errDecrypt = errors.New("none of the keys decrypts it")

// Decrypt returns an encrypted value, and whether the first key has encrypted it.
func (k Keys) Decrypt(encrypted, context []byte) (value []byte, current bool, err error) {
	for i, key := range k {
		if value, err := aeadOf(key).Open(nil, nil, encrypted, context); err == nil {
			return value, i == 0, nil
		}
	}
	return nil, false, errDecrypt
}

func aeadOf(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // cannot happen with this size
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // cannot happen with this block
	}
	return aead
}
