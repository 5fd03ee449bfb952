package auth

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/config"
	"example.com/latchkey/models"
)

// Each case is two reads of one user that overlap, one of them older. It says
// what is answered to the session that the first one found.
func TestNoAnswerIsOlderThanOneBefore(t *testing.T) {
	claims := Claims{UserID: uuid.Must(uuid.NewV7()), SessionID: uuid.Must(uuid.NewV7())}
	other := uuid.Must(uuid.NewV7())
	user := func(role models.Role) *models.User {
		return &models.User{Base: models.Base{ID: claims.UserID}, Role: role}
	}
	for claim, c := range map[string]struct {
		reads func(l *live)
		want  models.Role // "" where the database must be asked
	}{
		"a read that ended alone is remembered": {func(l *live) {
			l.remember(claims.SessionID, user("user"), l.begin(claims.UserID))
		}, "user"},
		"a newer read replaces an older one": {func(l *live) {
			l.remember(claims.SessionID, user("admin"), l.begin(claims.UserID))
			l.remember(other, user("user"), l.begin(claims.UserID))
			l.remember(claims.SessionID, user("user"), l.begin(claims.UserID))
		}, "user"},
		"a session that an older read found asks again": {func(l *live) {
			l.remember(claims.SessionID, user("admin"), l.begin(claims.UserID))
			l.remember(other, user("user"), l.begin(claims.UserID))
		}, ""},
		"two reads that overlap and agree are one": {func(l *live) {
			first, second := l.begin(claims.UserID), l.begin(claims.UserID)
			l.remember(claims.SessionID, user("user"), second)
			l.remember(claims.SessionID, user("user"), first)
		}, "user"},
		"of two reads that overlap and differ neither is remembered": {func(l *live) {
			first, second := l.begin(claims.UserID), l.begin(claims.UserID)
			l.remember(other, user("user"), second)
			l.remember(claims.SessionID, user("admin"), first)
		}, ""},
		"a read that began before another ended is not remembered after that one was evicted": {func(l *live) {
			first := l.begin(claims.UserID)
			l.remember(other, user("user"), l.begin(claims.UserID))
			l.users.InvalidateAll()
			l.remember(claims.SessionID, user("admin"), first)
		}, ""},
		"a read that began before the user changed is not remembered": {func(l *live) {
			first := l.begin(claims.UserID)
			l.invalidate(claims.UserID)
			l.remember(claims.SessionID, user("admin"), first)
		}, ""},
		"a session that may have ended meanwhile is not remembered by a user that is the same": {func(l *live) {
			first := l.begin(claims.UserID)
			l.invalidate(claims.UserID)
			l.remember(other, user("user"), l.begin(claims.UserID))
			l.remember(claims.SessionID, user("user"), first)
		}, ""},
		"a read that began before everybody was invalidated is not remembered": {func(l *live) {
			first := l.begin(claims.UserID)
			l.invalidateAll()
			l.remember(claims.SessionID, user("admin"), first)
		}, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			l := newLive(config.JWT{RevocationLag: time.Hour, MaxRemembered: 100})
			c.reads(l)
			found, ok := l.find(claims)
			if ok != (c.want != "") || ok && found.Role != c.want {
				t.Errorf("found %v %+v, want %q", ok, found, c.want)
			}
		})
	}
}
