package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/config"
	"example.com/latchkey/models"
)

// ErrLinkInvalid is the error of a link's token that is forged, expired or used.
var ErrLinkInvalid = errors.New("the link is not valid")

// A link's token is a user's id, the second at which it expires, and an HMAC of both,
// its purpose and the state that its use changes. So it works once, without a table.
const (
	linkPayload = uuid.Size + 8
	linkSize    = linkPayload + sha256.Size
)

// Links makes and checks the tokens of links in mails.
type Links struct{ keys [][]byte }

// NewLinks makes Links from settings that config has checked.
func NewLinks(settings config.JWT) Links { return Links{deriveKeys(settings, "mail link")} }

// Link is the content of a token that is not checked yet.
type Link struct {
	UserID  uuid.UUID
	Expires time.Time

	payload, mac []byte
}

// Token makes the token of a link for a purpose. It works until expires, and while
// state stays what it is.
func (l Links) Token(userID uuid.UUID, expires time.Time, purpose, state string) string {
	raw := append(make([]byte, 0, linkSize), userID[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(expires.Unix())) //nolint:gosec // after 1970
	return tokenEncoding.EncodeToString(append(raw, linkMAC(l.keys[0], raw, purpose, state)...))
}

// Parse reads a token. The error is ErrLinkInvalid.
func (Links) Parse(token string) (link Link, err error) {
	raw, err := tokenEncoding.DecodeString(token)
	// Both lengths are checked, because the decoder ignores line ends.
	if err != nil || len(raw) != linkSize || len(token) != tokenEncoding.EncodedLen(linkSize) {
		return link, ErrLinkInvalid
	}
	link = Link{UserID: uuid.UUID(raw[:uuid.Size]), payload: raw[:linkPayload], mac: raw[linkPayload:]}
	link.Expires = time.Unix(int64(binary.BigEndian.Uint64(raw[uuid.Size:linkPayload])), 0) //nolint:gosec // checked with the MAC
	return link, nil
}

// Check returns ErrLinkInvalid unless a link is for a purpose, has not expired, and was
// made in the same state.
func (l Links) Check(link Link, now time.Time, purpose, state string) error {
	for _, key := range l.keys {
		if hmac.Equal(linkMAC(key, link.payload, purpose, state), link.mac) && now.Before(link.Expires) {
			return nil
		}
	}
	return ErrLinkInvalid
}

// Address returns a keyed hash of an address, for what outlives its account.
func (l Links) Address(email models.Email) string {
	return hex.EncodeToString(hmacOf(l.keys[0], []byte("address\x00"+email))) // no purpose is "address"
}

func linkMAC(key, payload []byte, purpose, state string) []byte {
	text := append([]byte(purpose+"\x00"), payload...) // no purpose has a NUL, and a payload has one length
	return hmacOf(key, append(text, state...))
}
