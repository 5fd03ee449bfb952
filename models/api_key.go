package models

import (
	"time"

	"github.com/gofrs/uuid/v5"
)

// APIKey lets a program act for its user, until it is deleted or expires.
type APIKey struct {
	Base
	UserID     uuid.UUID  `json:"-"`
	Name       string     `json:"name"`
	Scope      KeyScope   `json:"scope"`
	Hash       []byte     `json:"-"` // SHA-256 of the key
	ExpiresAt  *time.Time `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// KeyScope is what an API key allows.
type KeyScope string

// The scopes.
const (
	ScopeRead KeyScope = "read" // GET and HEAD requests
	ScopeFull KeyScope = "full"
)
