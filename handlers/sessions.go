package handlers

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/models"
)

// Sessions are the current user's logins.
type Sessions struct {
	Accounts accounts.Accounts
}

// SessionID is the id of a session in the path.
type SessionID struct {
	ID uuid.UUID `path:"id"`
}

// SessionScope selects the sessions to end.
type SessionScope struct {
	Scope string `query:"scope" binding:"required,oneof=others all"`
}

// Session is a session as its user sees it.
type Session struct {
	models.Session
	Current bool `json:"current"`
}

// Index lists the active sessions.
func (s Sessions) Index(ctx context.Context, login accounts.Login, page rows.Page) (rows.List[Session], error) {
	db := s.Accounts.DB.WithContext(ctx)
	db = db.Where("user_id = ? AND "+models.LiveSession, login.User.ID, db.NowFunc())
	return rows.ReadAs(db, page, func(row models.Session) Session {
		return Session{row, row.ID == login.SessionID}
	})
}

// Logout ends the current session.
func (s Sessions) Logout(ctx context.Context, login accounts.Login, _ endpoint.None) (endpoint.None, error) {
	return endpoint.None{}, s.Accounts.Logout(ctx, login.User.ID, login.SessionID)
}

// End ends one session.
func (s Sessions) End(ctx context.Context, login accounts.Login, in SessionID) (endpoint.None, error) {
	return endpoint.None{}, s.Accounts.EndSession(ctx, login.User.ID, in.ID)
}

// EndMany ends all sessions, or all except the current one.
func (s Sessions) EndMany(ctx context.Context, login accounts.Login, in SessionScope) (endpoint.None, error) {
	var err error
	if in.Scope == "others" {
		_, err = s.Accounts.EndOtherSessions(ctx, login)
	} else {
		_, err = s.Accounts.EndSessions(ctx, login.User.ID, models.ByLogout)
	}
	return endpoint.None{}, accounts.RevokedIfGone(err)
}
