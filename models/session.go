package models

import (
	"time"

	"github.com/gofrs/uuid/v5"
)

// Session is one login, until it ends. Counter says which of its refresh
// tokens is the current one; LastUsedAt is when the counter moved last.
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

// LiveSession is the condition, on the time now, of a session that has not ended.
const LiveSession = "revoked_at IS NULL AND expires_at > ?"

// Reason is why a session was revoked.
type Reason string

// The reasons, kept for whoever looks into a session's end.
const (
	ByLogout   Reason = "logout"   // its user ended it
	ByPassword Reason = "password" // the password changed
	ByAdmin    Reason = "admin"    // an admin ended it, or disabled its user
	ByTheft    Reason = "theft"    // a refresh token was used twice
	ByLimit    Reason = "limit"    // a login past jwt.max_sessions ended it
)
