package apikeys

import (
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/rows"
)

// APIKey lets a program act for its user, until it is deleted or expires.
type APIKey struct {
	rows.Base
	UserID     uuid.UUID  `json:"-"`
	Name       string     `json:"name"`
	Scope      Scope      `json:"scope"`
	Hash       []byte     `json:"-"` // SHA-256 of the key
	ExpiresAt  *time.Time `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// Scope is what an API key allows.
type Scope string

// The scopes.
const (
	ScopeRead Scope = "read" // GET and HEAD requests
	ScopeFull Scope = "full"
)
