package accounts

import (
	"encoding/binary"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
)

// A refresh token is a session's id and its counter, signed. The database does not have
// the key, so its content does not help to make tokens. And the server can make the same
// token again, when an answer was lost.
const refreshSize = uuid.Size + 4

// refreshToken returns the current refresh token of a session.
func refreshToken(keys seal.Keys, session models.Session) string {
	payload := append(make([]byte, 0, refreshSize), session.ID[:]...)
	return keys.Sign(binary.BigEndian.AppendUint32(payload, session.Counter), "", "")
}

// parseRefreshToken returns the session and the counter of a valid token. The error is
// token.ErrInvalid.
func parseRefreshToken(keys seal.Keys, text string) (id uuid.UUID, counter uint32, err error) {
	signed, ok := seal.Parse(text, refreshSize)
	if !ok || !keys.Verify(signed, "", "") {
		return id, 0, token.ErrInvalid
	}
	return uuid.UUID(signed.Payload[:uuid.Size]), binary.BigEndian.Uint32(signed.Payload[uuid.Size:]), nil
}
