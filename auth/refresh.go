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

// A refresh token is a session's id, its counter and an HMAC over both. The
// database holds no key, so whoever reads it can make none; and we can make
// one again when its answer was lost.
const (
	refreshHead = uuid.Size + 4
	refreshSize = refreshHead + sha256.Size
)

// refreshEncoding refuses stray bits, so that a token has one form only.
var refreshEncoding = base64.RawURLEncoding.Strict()

// refreshKeys make refresh tokens: the first signs, all verify.
type refreshKeys [][]byte

// newRefreshKeys derives them (RFC 5869), for one key should do one thing.
func newRefreshKeys(settings config.JWT) (keys refreshKeys) {
	for _, secret := range settings.Secrets() {
		key, err := hkdf.Key(sha256.New, secret.Bytes(), nil, "refresh token", sha256.Size)
		if err != nil {
			panic(err) // of no key of this size
		}
		keys = append(keys, key)
	}
	return keys
}

// token is the current refresh token of a session.
func (k refreshKeys) token(session models.Session) string {
	raw := append(make([]byte, 0, refreshSize), session.ID[:]...)
	raw = binary.BigEndian.AppendUint32(raw, session.Counter)
	return refreshEncoding.EncodeToString(append(raw, sum(k[0], raw)...))
}

// read gives the session and the counter of a token that we made.
func (k refreshKeys) read(token string) (id uuid.UUID, counter uint32, err error) {
	raw, err := refreshEncoding.DecodeString(token)
	// The decoder skips line ends; so the length is asked of both.
	if err != nil || len(raw) != refreshSize || len(token) != refreshEncoding.EncodedLen(refreshSize) {
		return id, 0, ErrTokenInvalid
	}
	head := raw[:refreshHead]
	for _, key := range k {
		if hmac.Equal(sum(key, head), raw[refreshHead:]) {
			return uuid.UUID(head[:uuid.Size]), binary.BigEndian.Uint32(head[uuid.Size:]), nil
		}
	}
	return id, 0, ErrTokenInvalid
}

func sum(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}
