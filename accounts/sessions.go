package accounts

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// Logout ends a session of a user. It is not an error if that has ended already.
func (a Accounts) Logout(ctx context.Context, userID, session uuid.UUID) error {
	_, err := a.end(ctx, userID, Event{Kind: Logout, Session: session}, models.ByLogout, "id = ?", session)
	if errors.Is(err, problem.NotFound) {
		return nil
	}
	return err
}

// EndSession ends a session of a user. The error is not_found if the user has no such
// session, or if it has ended.
func (a Accounts) EndSession(ctx context.Context, userID, session uuid.UUID) error {
	ended, err := a.end(ctx, userID, Event{Kind: SessionEnded, Session: session}, models.ByLogout, "id = ?", session)
	if err == nil && ended == 0 {
		err = problem.NotFound
	}
	return err
}

// EndSessions ends every session of a user, and returns how many it ended. The error is
// not_found if there is no such user.
func (a Accounts) EndSessions(ctx context.Context, userID uuid.UUID, why models.Reason) (ended int64, err error) {
	return a.end(ctx, userID, Event{Kind: SessionEnded}, why)
}

// EndOtherSessions ends every session of a user except that of the login, and returns
// how many it ended. The error is not_found if there is no such user.
func (a Accounts) EndOtherSessions(ctx context.Context, login Login) (ended int64, err error) {
	return a.end(ctx, login.User.ID, Event{Kind: SessionEnded}, models.ByLogout, "id <> ?", login.SessionID)
}

// end ends the sessions of a user that meet the conditions, and calls the hooks if it
// ended any.
func (a Accounts) end(ctx context.Context, userID uuid.UUID, event Event, why models.Reason, conditions ...any) (ended int64, err error) {
	err = a.WithUser(ctx, userID, func(tx *gorm.DB, user models.User) (err error) {
		ended, err = revoke(tx, user.ID, why, conditions...)
		if err != nil || ended == 0 {
			return err
		}
		event.User = user
		if event.Session.IsNil() {
			event.Details = map[string]any{"sessions": ended}
		}
		return a.Tell(tx, event)
	})
	return ended, err
}
