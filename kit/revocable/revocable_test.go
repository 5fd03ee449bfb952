package revocable

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
)

// Most cases are two reads of one user that overlap, one of them older. want is the
// role that is then cached for session.
func TestTheCacheNeverReturnsAnOlderState(t *testing.T) {
	owner, session, other := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	user := func(role string) *string { return &role }
	for claim, test := range map[string]struct {
		reads func(c *Cache[string])
		want  string // "" if the database must be read
	}{
		"a read alone is cached": {func(c *Cache[string]) {
			c.store(owner, session, user("user"), c.begin(owner))
		}, "user"},
		"a newer read replaces an older one": {func(c *Cache[string]) {
			c.store(owner, session, user("admin"), c.begin(owner))
			c.store(owner, other, user("user"), c.begin(owner))
			c.store(owner, session, user("user"), c.begin(owner))
		}, "user"},
		"a session of an older read is not used": {func(c *Cache[string]) {
			c.store(owner, session, user("admin"), c.begin(owner))
			c.store(owner, other, user("user"), c.begin(owner))
		}, ""},
		"two reads that overlap and agree are cached": {func(c *Cache[string]) {
			first, second := c.begin(owner), c.begin(owner)
			c.store(owner, session, user("user"), second)
			c.store(owner, session, user("user"), first)
		}, "user"},
		"two reads that overlap and differ are not cached": {func(c *Cache[string]) {
			first, second := c.begin(owner), c.begin(owner)
			c.store(owner, other, user("user"), second)
			c.store(owner, session, user("admin"), first)
		}, ""},
		"a read that began before another ended is not cached, even if that one was evicted": {func(c *Cache[string]) {
			first := c.begin(owner)
			c.store(owner, other, user("user"), c.begin(owner))
			c.owners.Invalidate(owner)
			c.store(owner, session, user("admin"), first)
		}, ""},
		"a read that began before the user changed is not cached": {func(c *Cache[string]) {
			first := c.begin(owner)
			c.Invalidate(owner)
			c.store(owner, session, user("admin"), first)
		}, ""},
		"a session that may have ended is not cached, even if the user is the same": {func(c *Cache[string]) {
			first := c.begin(owner)
			c.Invalidate(owner)
			c.store(owner, other, user("user"), c.begin(owner))
			c.store(owner, session, user("user"), first)
		}, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			c := New[string](100, time.Hour)
			test.reads(c)
			found, ok := c.Find(owner, session)
			if ok != (test.want != "") || ok && found != test.want {
				t.Errorf("found %v %q, want %q", ok, found, test.want)
			}
		})
	}
}
