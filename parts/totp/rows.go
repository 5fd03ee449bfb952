package totp

import (
	"time"

	"github.com/gofrs/uuid/v5"
)

// totpSecret is the secret of a user's one-time codes.
type totpSecret struct {
	UserID    uuid.UUID `gorm:"primaryKey"`
	CreatedAt time.Time
	Secret    []byte // encrypted
	Confirmed bool   // the user has sent a code, so that a login needs one
	LastStep  int64  // of the last code that was taken
}

// recoveryCode is good for one login in place of a one-time code.
type recoveryCode struct {
	UserID uuid.UUID
	Hash   []byte // SHA-256 of the code
}
