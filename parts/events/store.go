package events

import (
	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/client"
)

// store is a hook. It stores an event with who did it, and from where.
func store(tx *gorm.DB, event accounts.Event) error {
	ctx := tx.Statement.Context
	client, session := client.From(ctx), event.Session
	if login, ok := accounts.LoginFrom(ctx); ok && session.IsNil() {
		session = login.SessionID
	}
	details := event.Details
	if details == nil {
		details = map[string]any{}
	}
	actor, _ := accounts.UserFrom(ctx)
	return tx.Create(&Event{
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
