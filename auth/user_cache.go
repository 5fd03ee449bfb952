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

// userCache caches live credentials, such as sessions, and their users for at most
// jwt.revocation_lag, so that most requests need no database. An entry of credentials
// is valid only while it points to the cached user, so that removing the user
// invalidates all credentials of that user.
//
// Of two reads that overlap, either may be the older one. A read is cached only if
// no other read of that user ended after it began. So no request sees an older
// state than a request before it.
type userCache struct {
	users, credentials cache[uuid.UUID, *models.User] // nil: nothing is cached

	mu      sync.Mutex
	changes [1024]uint64 // counts the changes of each user; users whose ids end alike share a counter
}

func newUserCache(settings config.JWT) *userCache {
	if settings.RevocationLag == 0 {
		return &userCache{}
	}
	options := &otter.Options[uuid.UUID, *models.User]{
		MaximumSize:      settings.MaxRemembered,
		ExpiryCalculator: otter.ExpiryWriting[uuid.UUID, *models.User](settings.RevocationLag),
	}
	return &userCache{users: otter.Must(options), credentials: otter.Must(options)}
}

func (c *userCache) find(userID, credentialID uuid.UUID) (user *models.User, ok bool) {
	if c.users == nil {
		return nil, false
	}
	user, userFound := c.users.GetIfPresent(userID)
	of, found := c.credentials.GetIfPresent(credentialID)
	return user, userFound && found && user == of
}

// counter returns the counter of the changes of a user.
func (c *userCache) counter(userID uuid.UUID) *uint64 {
	return &c.changes[int(binary.BigEndian.Uint16(userID[uuid.Size-2:]))%len(c.changes)]
}

// beginRead is called before the database is read; store takes its result.
func (c *userCache) beginRead(userID uuid.UUID) (changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.counter(userID)
}

// store caches the result of a read; changes is the result of its beginRead.
func (c *userCache) store(credentialID uuid.UUID, user *models.User, changes uint64) {
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
		c.credentials.Set(credentialID, user)
	}
}

// invalidate removes a user, so that the next request of each credential reads the
// database.
func (c *userCache) invalidate(userID uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.counter(userID)++
	if c.users != nil {
		c.users.Invalidate(userID)
	}
}
