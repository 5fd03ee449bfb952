package models

import (
	"time"

	"github.com/gofrs/uuid/v5"
)

// Session is one login. Counter is the number of its current refresh token;
// LastUsedAt is when the counter changed.
type Session struct {
	Base
	UserID        uuid.UUID  `json:"-"`
	LastUsedAt    time.Time  `json:"last_used_at"`
	ExpiresAt     time.Time  `json:"expires_at"`
	IP            string     `json:"ip"`
	UserAgent     string     `json:"user_agent"`
	Counter       uint32     `json:"-"`
	RevokedAt     *time.Time `json:"-"`
	RevokedReason Reason     `json:"-"`
}

// LiveSession is the SQL condition of a session that has not ended. Its parameter is
// the current time.
const LiveSession = "revoked_at IS NULL AND expires_at > ?"

// Reason is why a session was revoked.
type Reason string

// The reasons. They are stored for people who examine why a session ended.
const (
	ByLogout   Reason = "logout"   // the user ended it
	ByPassword Reason = "password" // the password changed
	ByAdmin    Reason = "admin"    // an admin ended it, or disabled the user
	ByTheft    Reason = "theft"    // a refresh token was used twice
	ByLimit    Reason = "limit"    // a login above jwt.max_sessions ended it
)
