package auth

import (
	"encoding/binary"
	"reflect"
	"sync"

	"github.com/gofrs/uuid/v5"
	"github.com/maypok86/otter/v2"

	"example.com/latchkey/config"
	"example.com/latchkey/models"
)

// sessionCache caches live sessions and their users for at most
// jwt.revocation_lag, so that most requests need no database. An entry of sessions
// is valid only while it points to the cached user, so that removing the user
// invalidates all sessions of that user.
//
// Of two reads that overlap, either may be the older one. A read is cached only if
// no other read of that user ended after it began. So no request sees an older
// state than a request before it.
type sessionCache struct {
	users, sessions cache[uuid.UUID, *models.User] // nil: nothing is cached

	mu      sync.Mutex
	changes [1024]uint64 // counts the changes of each user; users whose ids end alike share a counter
}

func newSessionCache(settings config.JWT) *sessionCache {
	if settings.RevocationLag == 0 {
		return &sessionCache{}
	}
	options := &otter.Options[uuid.UUID, *models.User]{
		MaximumSize:      settings.MaxRemembered,
		ExpiryCalculator: otter.ExpiryWriting[uuid.UUID, *models.User](settings.RevocationLag),
	}
	return &sessionCache{users: otter.Must(options), sessions: otter.Must(options)}
}

func (c *sessionCache) find(claims Claims) (user *models.User, ok bool) {
	if c.users == nil {
		return nil, false
	}
	user, userFound := c.users.GetIfPresent(claims.UserID)
	ofSession, sessionFound := c.sessions.GetIfPresent(claims.SessionID)
	return user, userFound && sessionFound && user == ofSession
}

// counter returns the counter of the changes of a user.
func (c *sessionCache) counter(userID uuid.UUID) *uint64 {
	return &c.changes[int(binary.BigEndian.Uint16(userID[uuid.Size-2:]))%len(c.changes)]
}

// beginRead is called before the database is read; store takes its result.
func (c *sessionCache) beginRead(userID uuid.UUID) (changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.counter(userID)
}

// store caches the result of a read; changes is the result of its beginRead.
func (c *sessionCache) store(session uuid.UUID, user *models.User, changes uint64) {
	if c.users == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	isNewest := *c.counter(user.ID) == changes
	if cached, ok := c.users.GetIfPresent(user.ID); ok && reflect.DeepEqual(cached, user) {
		user = cached
	} else {
		*c.counter(user.ID)++
		if !isNewest {
			c.users.Invalidate(user.ID)
			return
		}
		c.users.Set(user.ID, user)
	}
	if isNewest {
		c.sessions.Set(session, user)
	}
}

// invalidate removes a user, so that the next request of each session reads the
// database.
func (c *sessionCache) invalidate(userID uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.counter(userID)++
	if c.users != nil {
		c.users.Invalidate(userID)
	}
}

func (c *sessionCache) invalidateAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.changes {
		c.changes[i]++
	}
	if c.users != nil {
		c.users.InvalidateAll()
	}
}
