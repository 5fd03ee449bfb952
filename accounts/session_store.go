package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/revocable"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
)

// ErrTheft is the error of an old refresh token, which ends its session: two
// clients have it.
var ErrTheft = errors.New("a refresh token was used twice")

// ofActiveUser is a condition on every session that is used.
const ofActiveUser = "EXISTS (SELECT 1 FROM users WHERE users.id = user_id AND NOT disabled)"

// returnedColumns are the columns that Refresh needs. They are named, because a
// prepared statement of all columns fails when a later version adds one.
var returnedColumns = clause.Returning{Columns: []clause.Column{{Name: "id"}, {Name: "user_id"}, {Name: "counter"}, {Name: "expires_at"}}}

// Sessions starts, refreshes and ends sessions. Refresh tokens are rotated (RFC
// 9700, section 4.14.2).
type Sessions struct {
	db    *gorm.DB
	keys  seal.Keys
	ttl   time.Duration
	grace time.Duration
	max   int // live sessions of a user
	cache *revocable.Cache[models.User]
}

// NewSessions makes Sessions from settings that config has checked.
func NewSessions(db *gorm.DB, settings config.JWT) *Sessions {
	return &Sessions{
		db:    db,
		keys:  seal.Derive(settings.Secrets(), "refresh token"),
		ttl:   settings.RefreshTTL,
		grace: settings.RefreshGrace,
		max:   settings.MaxSessions,
		cache: revocable.New[models.User](settings.MaxRemembered, settings.RevocationLag),
	}
}

// maxEnded limits how many sessions one login ends.
const maxEnded = 1000

// Start begins a session of a user, and ends the oldest ones above
// jwt.max_sessions. tx must have locked the user's row. After the commit, call
// Invalidate.
func (s *Sessions) Start(tx *gorm.DB, userID uuid.UUID, client client.Client) (models.Session, error) {
	now := tx.NowFunc()
	session := models.Session{UserID: userID, LastUsedAt: now, ExpiresAt: now.Add(s.ttl), IP: client.IP, UserAgent: client.UserAgent}
	if err := tx.Create(&session).Error; err != nil {
		return session, err
	}
	// The new session is excluded: if a clock is slow, it may be the oldest.
	oldest := tx.Model(&models.Session{}).Select("id").Where("user_id = ? AND id <> ? AND "+models.LiveSession, userID, session.ID, now).
		Order("id DESC").Offset(s.max - 1).Limit(maxEnded)
	_, err := revoke(tx, userID, models.ByLimit, "id IN (?)", oldest)
	return session, err
}

// RefreshToken returns the current refresh token of a session. It is opaque to
// clients.
func (s *Sessions) RefreshToken(session models.Session) string { return refreshToken(s.keys, session) }

// IDFromRefreshToken returns the id of the session of a refresh token, which may be
// an old one. The error is token.ErrInvalid.
func (s *Sessions) IDFromRefreshToken(text string) (uuid.UUID, error) {
	id, _, err := parseRefreshToken(s.keys, text)
	return id, err
}

// Refresh uses a refresh token: it increments the counter of its session, which then
// lasts for jwt.refresh_ttl from now, and returns the session. For
// jwt.refresh_grace, the previous token returns the same session again. The error is
// token.ErrInvalid for a forged token, token.ErrExpired if the session has expired and
// token.ErrRevoked if it has ended. An older token ends the session, and calls onTheft
// in that transaction; its error is token.ErrRevoked and also ErrTheft.
func (s *Sessions) Refresh(ctx context.Context, text string, onTheft func(tx *gorm.DB, session models.Session) error) (session models.Session, err error) {
	id, counter, err := parseRefreshToken(s.keys, text)
	if err != nil {
		return session, err
	}
	now, db := s.db.NowFunc(), s.db.WithContext(ctx)
	// The counter is less than the token's if the database has lost changes, by a
	// power failure or a restored backup. The token is still genuine.
	updated := db.Model(&session).Clauses(returnedColumns).
		Where("id = ? AND counter <= ? AND "+models.LiveSession, id, counter, now).
		Where(ofActiveUser).
		Updates(map[string]any{"counter": counter + 1, "last_used_at": now, "expires_at": now.Add(s.ttl)})
	if updated.Error != nil || updated.RowsAffected == 1 {
		return session, updated.Error
	}
	var refused error
	err = database.Transaction(db, func(tx *gorm.DB) (err error) {
		session, refused, err = s.checkReuse(tx, id, counter)
		if err == nil && errors.Is(refused, ErrTheft) {
			err = onTheft(tx, session)
		}
		return err
	})
	if errors.Is(refused, ErrTheft) {
		s.cache.Invalidate(session.UserID)
	}
	if err != nil {
		return session, err
	}
	return session, refused
}

// checkReuse decides on a token that could not update its session. refused is not
// err, because the transaction must commit the end of a stolen session.
func (s *Sessions) checkReuse(tx *gorm.DB, id uuid.UUID, counter uint32) (session models.Session, refused, err error) {
	now := tx.NowFunc()
	found := tx.Where(ofActiveUser).Limit(1).Find(&session, "id = ?", id)
	switch {
	case found.Error != nil:
		return session, nil, found.Error
	case found.RowsAffected == 0 || session.RevokedAt != nil:
		return session, token.ErrRevoked, nil
	case !session.ExpiresAt.After(now):
		return session, token.ErrExpired, nil
	case session.Counter <= counter: // the user was disabled at the update, and is enabled now
		return session, token.ErrRevoked, nil
	case session.Counter == counter+1 && now.Sub(session.LastUsedAt).Abs() < s.grace: // a clock may have been set back
		return session, nil, nil
	}
	_, err = revoke(tx, session.UserID, models.ByTheft, "id = ?", id)
	return session, token.ErrRevoked.Because(fmt.Errorf("%w: session %s of user %s", ErrTheft, id, session.UserID)), err
}

// Invalidate makes the next request of each session of a user read the database.
func (s *Sessions) Invalidate(userID uuid.UUID) { s.cache.Invalidate(userID) }

// revoke ends the live sessions of a user, or those that match conditions (as for
// GORM's Where), and returns how many it ended. After the commit, call Invalidate.
func revoke(tx *gorm.DB, userID uuid.UUID, why models.Reason, conditions ...any) (ended int64, err error) {
	now := tx.NowFunc()
	live := tx.Model(&models.Session{}).Where("user_id = ? AND "+models.LiveSession, userID, now)
	if len(conditions) > 0 {
		live = live.Where(conditions[0], conditions[1:]...)
	}
	result := live.Updates(map[string]any{"revoked_at": now, "revoked_reason": why})
	return result.RowsAffected, result.Error
}

// RequireLive checks inside the transaction of a change that the session of a login has
// not ended. It locks the session's row until the commit, so that the session ends
// before the change or after it. The error is token.ErrRevoked.
func RequireLive(tx *gorm.DB, login Login) error {
	found := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthShare}).Select("id").
		Limit(1).Find(&models.Session{}, "id = ? AND user_id = ? AND "+models.LiveSession, login.SessionID, login.User.ID, tx.NowFunc())
	if found.Error == nil && found.RowsAffected == 0 {
		return token.ErrRevoked
	}
	return found.Error
}

// User returns the user of an access token, without the password hash. The error
// is token.ErrRevoked if the session has ended, or the user is deleted or disabled.
func (s *Sessions) User(ctx context.Context, claims token.Claims) (models.User, error) {
	return s.UserOf(ctx, claims.Subject, claims.Session, liveSession)
}

// Cached returns the user of a credential that is in the cache.
func (s *Sessions) Cached(userID, credentialID uuid.UUID) (user models.User, live bool) {
	return s.cache.Find(userID, credentialID)
}

// UserOf is User for any credential. live is a SQL query that finds one that has not ended;
// its parameters are the id and the current time.
func (s *Sessions) UserOf(ctx context.Context, userID, credentialID uuid.UUID, live string) (models.User, error) {
	user, ok, err := s.cache.Read(ctx, userID, credentialID, func(ctx context.Context) (user models.User, ok bool, err error) {
		found := withLive(s.db.WithContext(ctx), userID, credentialID, live).Omit("password_hash").Limit(1).Find(&user)
		return user, found.RowsAffected == 1, found.Error
	})
	if err == nil && !ok {
		err = token.ErrRevoked
	}
	return user, err
}

// withLiveSession selects the user of a login whose session has not ended, unless the
// user is disabled.
func withLiveSession(db *gorm.DB, login Login) *gorm.DB {
	return withLive(db, login.User.ID, login.SessionID, liveSession)
}

const liveSession = "SELECT 1 FROM sessions WHERE user_id = users.id AND sessions.id = ? AND " + models.LiveSession

func withLive(db *gorm.DB, userID, credentialID uuid.UUID, live string) *gorm.DB {
	return db.Where("id = ? AND NOT disabled AND EXISTS ("+live+")", userID, credentialID, db.NowFunc())
}
