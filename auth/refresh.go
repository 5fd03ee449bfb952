package auth

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/config"
	"example.com/latchkey/models"
)

// A refresh token is a session's id, its counter and an HMAC of both. The database
// does not have the key, so its content does not help to make tokens. And the
// server can make the same token again, when an answer was lost.
const (
	payloadSize = uuid.Size + 4
	refreshSize = payloadSize + sha256.Size
)

// tokenEncoding refuses non-zero padding bits, so that a token has one form only.
var tokenEncoding = base64.RawURLEncoding.Strict()

// refreshKeys are the HMAC keys: the first makes refresh tokens, all verify them.
type refreshKeys [][]byte

func newRefreshKeys(settings config.JWT) refreshKeys { return deriveKeys(settings, "refresh token") }

// deriveKeys derives keys for one use from the secrets (RFC 5869), the current one
// first.
func deriveKeys(settings config.JWT, use string) (keys [][]byte) {
	for _, secret := range settings.Secrets() {
		key, err := hkdf.Key(sha256.New, secret.Bytes(), nil, use, sha256.Size)
		if err != nil {
			panic(err) // cannot happen with this size
		}
		keys = append(keys, key)
	}
	return keys
}

// token returns the current refresh token of a session.
func (k refreshKeys) token(session models.Session) string {
	raw := append(make([]byte, 0, refreshSize), session.ID[:]...)
	raw = binary.BigEndian.AppendUint32(raw, session.Counter)
	return tokenEncoding.EncodeToString(append(raw, hmacOf(k[0], raw)...))
}

// parse returns the session and the counter of a valid token.
func (k refreshKeys) parse(token string) (id uuid.UUID, counter uint32, err error) {
	raw, err := tokenEncoding.DecodeString(token)
	// Both lengths are checked, because the decoder ignores line ends.
	if err != nil || len(raw) != refreshSize || len(token) != tokenEncoding.EncodedLen(refreshSize) {
		return id, 0, ErrTokenInvalid
	}
	payload := raw[:payloadSize]
	for _, key := range k {
		if hmac.Equal(hmacOf(key, payload), raw[payloadSize:]) {
			return uuid.UUID(payload[:uuid.Size]), binary.BigEndian.Uint32(payload[uuid.Size:]), nil
		}
	}
	return id, 0, ErrTokenInvalid
}

func hmacOf(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}
