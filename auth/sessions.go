package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/config"
	"example.com/latchkey/database"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// ErrTheft is why a session ends whose refresh token was used by two.
var ErrTheft = errors.New("a refresh token was used twice")

// ofActiveUser is the condition of every use of a session.
const ofActiveUser = "EXISTS (SELECT 1 FROM users WHERE users.id = user_id AND NOT disabled)"

// returned is what Refresh needs of a session: by name, for a prepared
// statement of all columns breaks when a later version adds one.
var returned = clause.Returning{Columns: []clause.Column{{Name: "id"}, {Name: "user_id"}, {Name: "counter"}, {Name: "expires_at"}}}

// Sessions are the logins that have not ended. It hands out and takes refresh
// tokens, which are rotated (RFC 9700, section 4.14.2).
type Sessions struct {
	db    *gorm.DB
	keys  refreshKeys
	ttl   time.Duration
	grace time.Duration
	max   int // live ones of a user
	live  *live
}

// NewSessions makes Sessions from settings that config has checked.
func NewSessions(db *gorm.DB, settings config.JWT) *Sessions {
	return &Sessions{
		db:    db,
		keys:  newRefreshKeys(settings),
		ttl:   settings.RefreshTTL,
		grace: settings.RefreshGrace,
		max:   settings.MaxSessions,
		live:  newLive(settings),
	}
}

// maxEnded bounds how many sessions one login ends.
const maxEnded = 1000

// Start begins a session of a user in a transaction that holds the user's row,
// and ends the oldest ones past jwt.max_sessions: Invalidate makes that seen.
func (s *Sessions) Start(tx *gorm.DB, userID uuid.UUID, client Client) (models.Session, error) {
	now := tx.NowFunc()
	session := models.Session{UserID: userID, LastUsedAt: now, ExpiresAt: now.Add(s.ttl), IP: client.IP, UserAgent: client.UserAgent}
	if err := tx.Create(&session).Error; err != nil {
		return session, err
	}
	// Not this one, which a slow clock may have made the oldest.
	past := tx.Model(&models.Session{}).Select("id").Where("user_id = ? AND id <> ? AND "+models.LiveSession, userID, session.ID, now).
		Order("id DESC").Offset(s.max - 1).Limit(maxEnded)
	_, err := Revoke(tx, userID, models.ByLimit, "id IN (?)", past)
	return session, err
}

// RefreshToken is the current refresh token of a session. It is opaque to clients.
func (s *Sessions) RefreshToken(session models.Session) string { return s.keys.token(session) }

// Of gives the session that a refresh token was made for. The error is
// ErrTokenInvalid where we did not make it.
func (s *Sessions) Of(token string) (uuid.UUID, error) {
	id, _, err := s.keys.read(token)
	return id, err
}

// Refresh takes a refresh token and gives its session with the counter moved,
// for jwt.refresh_ttl from now. The token just before is good for the same
// answer again during jwt.refresh_grace. The error is ErrTokenInvalid for a
// token that is not ours, ErrTokenExpired for that of an expired session,
// ErrTokenRevoked for that of an ended one, and for an old one, which also ends
// the session; then it is ErrTheft too.
func (s *Sessions) Refresh(ctx context.Context, token string) (session models.Session, err error) {
	id, counter, err := s.keys.read(token)
	if err != nil {
		return session, err
	}
	now, db := s.db.NowFunc(), s.db.WithContext(ctx)
	// A counter behind the token's is that of a database put back in time, by a
	// power cut or from a backup: the token is genuine.
	moved := db.Model(&session).Clauses(returned).
		Where("id = ? AND counter <= ? AND "+models.LiveSession, id, counter, now).
		Where(ofActiveUser).
		Updates(map[string]any{"counter": counter + 1, "last_used_at": now, "expires_at": now.Add(s.ttl)})
	if moved.Error != nil || moved.RowsAffected == 1 {
		return session, moved.Error
	}
	var refused error
	err = database.Transaction(db, func(tx *gorm.DB) (err error) {
		session, refused, err = s.again(tx, id, counter)
		return err
	})
	if errors.Is(refused, ErrTheft) {
		s.live.invalidate(session.UserID)
	}
	if err != nil {
		return session, err
	}
	return session, refused
}

// again says what becomes of a token that could not move its session. A
// refusal is no error of the transaction: a theft has to be committed.
func (s *Sessions) again(tx *gorm.DB, id uuid.UUID, counter uint32) (session models.Session, refused, err error) {
	now := tx.NowFunc()
	found := tx.Where(ofActiveUser).Limit(1).Find(&session, "id = ?", id)
	switch {
	case found.Error != nil:
		return session, nil, found.Error
	case found.RowsAffected == 0 || session.RevokedAt != nil:
		return session, ErrTokenRevoked, nil
	case !session.ExpiresAt.After(now):
		return session, ErrTokenExpired, nil
	case session.Counter <= counter: // the user was enabled again just now
		return session, ErrTokenRevoked, nil
	case session.Counter == counter+1 && now.Sub(session.LastUsedAt).Abs() < s.grace: // a clock may have been put back
		return session, nil, nil
	}
	_, err = Revoke(tx, session.UserID, models.ByTheft, "id = ?", id)
	return session, problem.TokenRevoked.Because(fmt.Errorf("%w: session %s of user %s", ErrTheft, id, session.UserID)), err
}

// End ends the live sessions of a user, or those of them that conditions (as
// GORM's Where takes them) choose, and says how many.
func (s *Sessions) End(ctx context.Context, userID uuid.UUID, why models.Reason, conditions ...any) (ended int64, err error) {
	defer s.live.invalidate(userID)
	err = database.Transaction(s.db.WithContext(ctx), func(tx *gorm.DB) (err error) {
		ended, err = Revoke(tx, userID, why, conditions...)
		return err
	})
	return ended, err
}

// Invalidate makes the next request of each session of a user ask the database.
func (s *Sessions) Invalidate(userID uuid.UUID) { s.live.invalidate(userID) }

// Revoke is End inside a transaction: Invalidate makes it seen.
func Revoke(tx *gorm.DB, userID uuid.UUID, why models.Reason, conditions ...any) (ended int64, err error) {
	now := tx.NowFunc()
	which := tx.Model(&models.Session{}).Where("user_id = ? AND "+models.LiveSession, userID, now)
	if len(conditions) > 0 {
		which = which.Where(conditions[0], conditions[1:]...)
	}
	done := which.Updates(map[string]any{"revoked_at": now, "revoked_reason": why})
	return done.RowsAffected, done.Error
}

// RequireLive is the condition of a change that the current session asks for:
// inside the transaction, the session has not ended. It holds the session's
// row, so that it ends before the change or after it. The error is
// ErrTokenRevoked.
func RequireLive(tx *gorm.DB, userID, sessionID uuid.UUID) error {
	found := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthShare}).Select("id").
		Limit(1).Find(&models.Session{}, "id = ? AND user_id = ? AND "+models.LiveSession, sessionID, userID, tx.NowFunc())
	if found.Error == nil && found.RowsAffected == 0 {
		return ErrTokenRevoked
	}
	return found.Error
}
