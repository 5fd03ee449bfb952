package accounts

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/models"
)

// A link's token is a user's id and the second at which it expires, signed with its
// purpose and the state that its use changes. So it works once, without a table.
const linkSize = uuid.Size + 8

// Links makes and checks the tokens of links in mails.
type Links struct{ keys seal.Keys }

// NewLinks makes Links from settings that config has checked.
func NewLinks(settings config.JWT) Links {
	return Links{seal.Derive(settings.Secrets(), "mail link")}
}

// Link is the content of a token that is not checked yet.
type Link struct {
	UserID  uuid.UUID
	Expires time.Time

	signed seal.Signed
}

// Token makes the token of a link for a purpose. It works until expires, and while
// state stays what it is.
func (l Links) Token(userID uuid.UUID, expires time.Time, purpose, state string) string {
	payload := append(make([]byte, 0, linkSize), userID[:]...)
	payload = binary.BigEndian.AppendUint64(payload, uint64(expires.Unix())) //nolint:gosec // after 1970
	return l.keys.Sign(payload, purpose+"\x00", state)                       // no purpose has a NUL
}

// Parse reads a token, and reports whether it has the form of one.
func (Links) Parse(text string) (link Link, ok bool) {
	signed, ok := seal.Parse(text, linkSize)
	if !ok {
		return link, false
	}
	link = Link{UserID: uuid.UUID(signed.Payload[:uuid.Size]), signed: signed}
	link.Expires = time.Unix(int64(binary.BigEndian.Uint64(signed.Payload[uuid.Size:])), 0) //nolint:gosec // checked with the MAC
	return link, true
}

// Check reports whether a link is for a purpose, has not expired, and was made in the
// same state.
func (l Links) Check(link Link, now time.Time, purpose, state string) bool {
	return l.keys.Verify(link.signed, purpose+"\x00", state) && now.Before(link.Expires)
}

// Address returns a keyed hash of an address, for what outlives its account.
func (l Links) Address(email models.Email) string {
	return hex.EncodeToString(l.keys.Hash("address\x00" + string(email))) // no purpose is "address"
}
