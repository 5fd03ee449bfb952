package browser

import (
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/models"
)

// carrier is what Credentials.Session is for a cookie.
const carrier = "cookie"

// browserSession marks a session as one that a cookie carries. A session with tokens has no
// such row, so not even a signed cookie with its id is accepted, and no refresh token is
// made for a session that has one.
type browserSession struct {
	SessionID   uuid.UUID `gorm:"primaryKey"`
	Session     models.Session
	CookieSetAt time.Time // when the browser last got the cookie
}

func (browserSession) TableName() string { return "browser_sessions" }

// begin is a hook. It marks the session of a login that asks for a cookie.
func begin(tx *gorm.DB, event accounts.Event) error {
	if event.Kind != accounts.LoggedIn || event.Details["session"] != carrier {
		return nil
	}
	return tx.Omit("Session").Create(&browserSession{SessionID: event.Session, CookieSetAt: tx.NowFunc()}).Error
}
