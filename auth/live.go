package auth

import (
	"context"
	"errors"
	"sync"

	"github.com/gofrs/uuid/v5"
	"github.com/maypok86/otter/v2"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/config"
	"example.com/latchkey/database"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// live remembers live sessions and their users for at most jwt.revocation_lag,
// so that most requests need no database. A session counts only while it
// points to what is remembered of its user: to forget the user is to forget
// all the sessions.
type live struct {
	users, sessions *otter.Cache[uuid.UUID, *models.User] // nil: remember nothing

	mu        sync.Mutex
	forgotten uint64 // how many times anybody was forgotten
}

func newLive(settings config.JWT) *live {
	if settings.RevocationLag == 0 {
		return &live{}
	}
	options := &otter.Options[uuid.UUID, *models.User]{
		MaximumSize:      settings.MaxRemembered,
		ExpiryCalculator: otter.ExpiryWriting[uuid.UUID, *models.User](settings.RevocationLag),
	}
	return &live{users: otter.Must(options), sessions: otter.Must(options)}
}

func (l *live) find(claims Claims) (user *models.User, ok bool) {
	if l.users == nil {
		return nil, false
	}
	user, known := l.users.GetIfPresent(claims.UserID)
	its, live := l.sessions.GetIfPresent(claims.SessionID)
	return user, known && live && user == its
}

// mark is to be taken before the database is asked, and given to remember.
func (l *live) mark() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.forgotten
}

// remember keeps what the database said, unless somebody was forgotten since
// it was asked: then it may say what is no longer so.
func (l *live) remember(session uuid.UUID, user *models.User, mark uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users == nil || l.forgotten != mark {
		return
	}
	if known, ok := l.users.GetIfPresent(user.ID); ok {
		user = known
	} else {
		l.users.Set(user.ID, user)
	}
	l.sessions.Set(session, user)
}

// forget makes the next request of each of a user's sessions ask the database.
func (l *live) forget(userID uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgotten++
	if l.users != nil {
		l.users.Invalidate(userID)
	}
}

func (l *live) forgetAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgotten++
	if l.users != nil {
		l.users.InvalidateAll()
	}
}

// User gives the user of an access token, without the password hash. The error
// is ErrTokenRevoked where the session has ended or the user is deleted or
// disabled.
func (s *Sessions) User(ctx context.Context, claims Claims) (user models.User, err error) {
	if known, ok := s.live.find(claims); ok {
		return *known, nil
	}
	mark := s.live.mark()
	err = s.db.WithContext(ctx).Omit("password_hash").
		Where("NOT disabled AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ? AND user_id = users.id AND "+models.LiveSession+")", claims.SessionID, s.db.NowFunc()).
		Take(&user, "id = ?", claims.UserID).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return user, ErrTokenRevoked
	}
	if err != nil {
		return user, err
	}
	s.live.remember(claims.SessionID, &user, mark)
	return user, nil
}

// ChangeUser runs a change of a user, and of the sessions by Revoke, in one
// transaction, and has it take effect at once. The error is last_admin where
// no admin would be left.
func (s *Sessions) ChangeUser(ctx context.Context, id uuid.UUID, change func(tx *gorm.DB) error) error {
	// Also after an error: the answer to a commit may have been lost.
	defer s.live.forget(id)
	return database.Transaction(s.db.WithContext(ctx), func(tx *gorm.DB) error {
		// Locked, so that two admins cannot demote each other.
		before, err := admins(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}))
		if err != nil {
			return err
		}
		if err := change(tx); err != nil {
			return err
		}
		after, err := admins(tx)
		if err == nil && before > 0 && after == 0 {
			return problem.LastAdmin
		}
		return err
	})
}

// admins counts the admins who can act, up to two.
func admins(tx *gorm.DB) (int, error) {
	var found []uuid.UUID
	err := tx.Model(&models.User{}).Where("role = 'admin' AND NOT disabled").Order("id").Limit(2).Pluck("id", &found).Error
	return len(found), err
}
