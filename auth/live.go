package auth

import (
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"sync"

	"github.com/gofrs/uuid/v5"
	"github.com/maypok86/otter/v2"
	"gorm.io/gorm"

	"example.com/latchkey/config"
	"example.com/latchkey/models"
)

// live remembers live sessions and their users for at most jwt.revocation_lag,
// so that most requests need no database. A session counts only while it
// points to what is remembered of its user, so to invalidate a user is to
// invalidate all sessions of that user.
//
// Of two reads that overlap, either may be the older one. So a read is
// remembered only where no other read of that user ended after it began, and
// once a request was answered by a newer state, no later one is by an older.
type live struct {
	users, sessions cache[uuid.UUID, *models.User] // nil: remember nothing

	mu      sync.Mutex
	changes [1024]uint64 // how often what is known of a user changed; users share them by their id
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

// changesOf is the place where the changes of a user are counted.
func (l *live) changesOf(userID uuid.UUID) *uint64 {
	return &l.changes[int(binary.BigEndian.Uint16(userID[uuid.Size-2:]))%len(l.changes)]
}

// begin is called before the database is read, and its answer is given to remember.
func (l *live) begin(userID uuid.UUID) (changes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.changesOf(userID)
}

// remember keeps what a read that began at changes has found.
func (l *live) remember(session uuid.UUID, user *models.User, changes uint64) {
	if l.users == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	newest := *l.changesOf(user.ID) == changes
	if known, ok := l.users.GetIfPresent(user.ID); ok && reflect.DeepEqual(known, user) {
		user = known
	} else {
		*l.changesOf(user.ID)++
		if !newest {
			l.users.Invalidate(user.ID)
			return
		}
		l.users.Set(user.ID, user)
	}
	if newest {
		l.sessions.Set(session, user)
	}
}

// invalidate makes the next request of each session of a user ask the database.
func (l *live) invalidate(userID uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.changesOf(userID)++
	if l.users != nil {
		l.users.Invalidate(userID)
	}
}

func (l *live) invalidateAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.changes {
		l.changes[i]++
	}
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
	changes := s.live.begin(claims.UserID)
	err = WithLiveSession(s.db.WithContext(ctx), claims.UserID, claims.SessionID).Omit("password_hash").Take(&user).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		s.live.invalidate(claims.UserID)
		return user, ErrTokenRevoked
	}
	if err != nil {
		return user, err
	}
	s.live.remember(claims.SessionID, &user, changes)
	return user, nil
}

// WithLiveSession selects the user of a session that has not ended, unless the
// user is disabled.
func WithLiveSession(db *gorm.DB, userID, sessionID uuid.UUID) *gorm.DB {
	return db.Where("id = ? AND NOT disabled AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ? AND user_id = users.id AND "+models.LiveSession+")",
		userID, sessionID, db.NowFunc())
}
