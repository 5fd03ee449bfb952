package events

import (
	"context"
	"fmt"
	"slices"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
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
	Kind   *string    `query:"kind"`
	UserID *uuid.UUID `query:"user_id"`
}

// checkKind refuses a kind that is not one of all.
func checkKind(all []string) endpoint.Rules {
	return endpoint.NewRules(func(_ context.Context, in EventPage) []problem.FieldError {
		if in.Kind == nil || slices.Contains(all, *in.Kind) {
			return nil
		}
		return []problem.FieldError{{Field: "kind", Message: fmt.Sprintf("must be one of %v", all)}}
	})
}

// Mine lists what happened to the current user's account. If somebody else did it, it
// does not show from where.
func (e Events) Mine(ctx context.Context, user models.User, page rows.Page) (rows.List[Event], error) {
	mine := e.DB.WithContext(ctx).Where("user_id = ?", user.ID)
	return rows.ReadAs(mine, page, func(event Event) Event {
		if event.ActorID != nil && *event.ActorID != user.ID {
			event.SessionID, event.IP, event.UserAgent = nil, "", ""
		}
		return event
	})
}

// Index lists what happened to all accounts.
func (e Events) Index(ctx context.Context, _ models.User, in EventPage) (rows.List[Event], error) {
	found := rows.Where(rows.Where(e.DB.WithContext(ctx), "kind", in.Kind), "user_id", in.UserID)
	return rows.Read[Event](found, in.Page)
}
