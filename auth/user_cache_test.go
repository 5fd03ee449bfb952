package auth

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/config"
	"example.com/latchkey/models"
)

// Most cases are two reads of one user that overlap, one of them older. want is the
// role that is then cached for the session of claims.
func TestTheCacheNeverReturnsAnOlderState(t *testing.T) {
	claims := Claims{UserID: uuid.Must(uuid.NewV7()), SessionID: uuid.Must(uuid.NewV7())}
	other := uuid.Must(uuid.NewV7())
	user := func(role models.Role) *models.User {
		return &models.User{Base: models.Base{ID: claims.UserID}, Role: role}
	}
	for claim, test := range map[string]struct {
		reads func(c *userCache)
		want  models.Role // "" if the database must be read
	}{
		"a read alone is cached": {func(c *userCache) {
			c.store(claims.SessionID, user("user"), c.beginRead(claims.UserID))
		}, "user"},
		"a newer read replaces an older one": {func(c *userCache) {
			c.store(claims.SessionID, user("admin"), c.beginRead(claims.UserID))
			c.store(other, user("user"), c.beginRead(claims.UserID))
			c.store(claims.SessionID, user("user"), c.beginRead(claims.UserID))
		}, "user"},
		"a session of an older read is not used": {func(c *userCache) {
			c.store(claims.SessionID, user("admin"), c.beginRead(claims.UserID))
			c.store(other, user("user"), c.beginRead(claims.UserID))
		}, ""},
		"two reads that overlap and agree are cached": {func(c *userCache) {
			first, second := c.beginRead(claims.UserID), c.beginRead(claims.UserID)
			c.store(claims.SessionID, user("user"), second)
			c.store(claims.SessionID, user("user"), first)
		}, "user"},
		"two reads that overlap and differ are not cached": {func(c *userCache) {
			first, second := c.beginRead(claims.UserID), c.beginRead(claims.UserID)
			c.store(other, user("user"), second)
			c.store(claims.SessionID, user("admin"), first)
		}, ""},
		"a read that began before another ended is not cached, even if that one was evicted": {func(c *userCache) {
			first := c.beginRead(claims.UserID)
			c.store(other, user("user"), c.beginRead(claims.UserID))
			c.users.InvalidateAll()
			c.store(claims.SessionID, user("admin"), first)
		}, ""},
		"a read that began before the user changed is not cached": {func(c *userCache) {
			first := c.beginRead(claims.UserID)
			c.invalidate(claims.UserID)
			c.store(claims.SessionID, user("admin"), first)
		}, ""},
		"a session that may have ended is not cached, even if the user is the same": {func(c *userCache) {
			first := c.beginRead(claims.UserID)
			c.invalidate(claims.UserID)
			c.store(other, user("user"), c.beginRead(claims.UserID))
			c.store(claims.SessionID, user("user"), first)
		}, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			c := newUserCache(config.JWT{RevocationLag: time.Hour, MaxRemembered: 100})
			test.reads(c)
			found, ok := c.find(claims.UserID, claims.SessionID)
			if ok != (test.want != "") || ok && found.Role != test.want {
				t.Errorf("found %v %+v, want %q", ok, found, test.want)
			}
		})
	}
}
