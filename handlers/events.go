package handlers

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/models"
)

// Events are what happened to accounts.
type Events struct {
	DB *gorm.DB
}

// EventPage selects the events to list.
type EventPage struct {
	rows.Page
	Kind   *accounts.Kind `query:"kind"`
	UserID *uuid.UUID     `query:"user_id"`
}

// Mine lists what happened to the current user's account. Of what somebody else did, it
// does not show from where.
func (e Events) Mine(ctx context.Context, user models.User, page rows.Page) (rows.List[models.Event], error) {
	mine := e.DB.WithContext(ctx).Where("user_id = ?", user.ID)
	return rows.ReadAs(mine, page, func(event models.Event) models.Event {
		if event.ActorID != nil && *event.ActorID != user.ID {
			event.SessionID, event.IP, event.UserAgent = nil, "", ""
		}
		return event
	})
}

// Index lists what happened to all accounts.
func (e Events) Index(ctx context.Context, _ models.User, in EventPage) (rows.List[models.Event], error) {
	found := rows.Where(rows.Where(e.DB.WithContext(ctx), "kind", in.Kind), "user_id", in.UserID)
	return rows.Read[models.Event](found, in.Page)
}
