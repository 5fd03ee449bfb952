package handlers

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/auth"
	"example.com/latchkey/endpoint"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Sessions are the current user's logins.
type Sessions struct {
	DB   *gorm.DB
	Auth auth.Services
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
func (s Sessions) Index(ctx context.Context, user models.User, page Page) (List[Session], error) {
	db := s.DB.WithContext(ctx).Where("user_id = ? AND "+models.LiveSession, user.ID, s.DB.NowFunc())
	rows, err := list[models.Session](db, page)
	return mapList(rows, func(row models.Session) Session {
		return Session{row, row.ID == auth.SessionFrom(ctx)}
	}), err
}

// Logout ends the current session.
func (s Sessions) Logout(ctx context.Context, user models.User, _ endpoint.None) (endpoint.None, error) {
	_, err := s.Auth.Sessions.End(ctx, user.ID, models.ByLogout, "id = ?", auth.SessionFrom(ctx))
	return endpoint.None{}, err
}

// End ends one session.
func (s Sessions) End(ctx context.Context, user models.User, in SessionID) (endpoint.None, error) {
	ended, err := s.Auth.Sessions.End(ctx, user.ID, models.ByLogout, "id = ?", in.ID)
	if err == nil && ended == 0 {
		err = problem.NotFound
	}
	return endpoint.None{}, err
}

// EndMany ends all sessions, or all except the current one.
func (s Sessions) EndMany(ctx context.Context, user models.User, in SessionScope) (endpoint.None, error) {
	except := uuid.Nil
	if in.Scope == "others" {
		except = auth.SessionFrom(ctx)
	}
	_, err := s.Auth.Sessions.End(ctx, user.ID, models.ByLogout, "id <> ?", except)
	return endpoint.None{}, err
}
