package accounts

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/models"
)

// Kinds has all kinds of events. A list of events can be filtered by each.
var Kinds = []Kind{
	Registered, LoggedIn, LoginFailed, LoginThrottled, Logout, SessionEnded, TokenTheft,
	PasswordChanged, PasswordReset, EmailChanged, EmailVerified, UserCreated, UserChanged, UserDeleted,
	KeyCreated, KeyDeleted,
	TOTPEnabled, TOTPDisabled, RecoveryCodeUsed, OTPFailed,
}

// UnmarshalText returns an error for a text that is not one of Kinds.
func (k *Kind) UnmarshalText(text []byte) error {
	if *k = Kind(text); !slices.Contains(Kinds, *k) {
		return fmt.Errorf("must be one of %v", Kinds)
	}
	return nil
}

// JSONSchemaBytes describes a kind in the OpenAPI document.
func (Kind) JSONSchemaBytes() ([]byte, error) {
	return json.Marshal(map[string]any{"type": "string", "enum": Kinds})
}

// StoreEvent stores an event with who did it, and from where. It is one of
// Accounts.Hooks.
func StoreEvent(tx *gorm.DB, event Event) error {
	ctx := tx.Statement.Context
	client, session := client.From(ctx), event.Session
	if login, ok := LoginFrom(ctx); ok && session.IsNil() {
		session = login.SessionID
	}
	details := event.Details
	if details == nil {
		details = map[string]any{}
	}
	actor, _ := UserFrom(ctx)
	return tx.Create(&models.Event{
		Kind:   string(event.Kind),
		UserID: orNull(event.User.ID), ActorID: orNull(actor.ID), SessionID: orNull(session),
		IP: client.IP, UserAgent: client.UserAgent, RequestID: client.RequestID,
		Details: details,
	}).Error
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id.IsNil() {
		return nil
	}
	return &id
}
