package events

import (
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/rows"
)

// Event is what happened to a user, who may be deleted since. UserID is nil for a
// login with an unknown email, and ActorID, who did it, if nobody was signed in.
type Event struct {
	rows.Base
	Kind      string         `json:"kind"`
	UserID    *uuid.UUID     `json:"user_id"`
	ActorID   *uuid.UUID     `json:"actor_id"`
	SessionID *uuid.UUID     `json:"session_id"`
	IP        string         `json:"ip"` // "" on the command line
	UserAgent string         `json:"user_agent"`
	RequestID string         `json:"request_id"`
	Details   map[string]any `json:"details" gorm:"serializer:json"`
}
