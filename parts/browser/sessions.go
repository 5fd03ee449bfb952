package browser

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/maypok86/otter/v2"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
)

const (
	useInterval   = time.Minute // how often last_used_at and expires_at of a session change at most
	renewInterval = time.Hour   // how often the browser gets its cookie again at most
)

// valueLength is that of the value of a cookie: a session's id and its MAC.
var valueLength = base64.RawURLEncoding.EncodedLen(uuid.Size + sha256.Size)

// sessions identifies the users of session cookies.
type sessions struct {
	name       string
	secure     bool
	logout     string // the path of the route
	ttl        time.Duration
	db         *gorm.DB
	keys       seal.Keys
	sessions   *accounts.Sessions  // whose cache says which sessions are live
	known      func() sessionCache // a session here may have ended
	used       database.Later[use] // what is to be stored
	protection *http.CrossOriginProtection
}

// sessionCache is the part of otter.Cache that is used here, as in kit/token.
type sessionCache interface {
	GetIfPresent([sha256.Size]byte) (*knownSession, bool)
	SetIfAbsent([sha256.Size]byte, *knownSession) (*knownSession, bool)
}

// knownSession is what identify needs of a session. It is read again after useInterval.
type knownSession struct {
	of     token.Claims
	renews bool        // the browser is to get its cookie again
	due    atomic.Bool // its next use is stored
}

// use is a use of a session to be stored, perhaps with a new Set-Cookie.
type use struct {
	id     uuid.UUID
	renews bool
}

func newSessions(a app.App) *sessions {
	s := &sessions{
		name:     plainName,
		secure:   a.Settings.InProduction() || strings.HasPrefix(strings.ToLower(a.Settings.Server.PublicURL), "https://"),
		logout:   a.Settings.Server.BasePath + "/logout",
		ttl:      a.Settings.JWT.RefreshTTL,
		db:       a.DB,
		keys:     seal.Derive(a.Settings.JWT.Secrets(), "browser session"),
		sessions: a.Auth.Sessions,
		known: sync.OnceValue(func() sessionCache { // it takes memory, also while nobody has a cookie
			return otter.Must(&otter.Options[[sha256.Size]byte, *knownSession]{
				MaximumSize:      a.Settings.JWT.MaxRemembered,
				ExpiryCalculator: otter.ExpiryWriting[[sha256.Size]byte, *knownSession](useInterval),
			})
		}),
		used:       database.NewLater[use](),
		protection: newProtection(a),
	}
	if s.secure {
		s.name = secureName
	}
	return s
}

// identify is an Authenticator. The error is token.ErrInvalid for a wrong cookie or two of
// them, token.ErrExpired, token.ErrRevoked for an ended session, one with tokens or a disabled
// user, and forbidden for a request of another site.
func (s *sessions) identify(a accounts.Accounts, r *http.Request, _ string) (identity accounts.Identity, known bool, err error) {
	if !usesCookies(r) {
		return identity, false, nil
	}
	cookies := r.CookiesNamed(s.name)
	if len(cookies) == 0 {
		return identity, false, nil
	}
	header, _ := r.Context().Value(headerKey{}).(http.Header)
	session, user, err := s.find(a, r, cookies)
	if err != nil {
		var refused *problem.Problem
		if errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
			header.Add("Set-Cookie", s.noCookie())
		}
		return identity, true, err
	}
	s.note(session, header)
	return accounts.Identity{User: user, By: accounts.BySession, ID: session.of.Session, Claims: session.of.More}, true, nil
}

// find returns the session of a cookie and its user from the cache, or else from the
// database.
func (s *sessions) find(a accounts.Accounts, r *http.Request, cookies []*http.Cookie) (session *knownSession, user models.User, err error) {
	value := cookies[0].Value
	if len(cookies) > 1 || len(value) != valueLength {
		return nil, user, token.ErrInvalid
	}
	hash := sha256.Sum256([]byte(value))
	session, known := s.known().GetIfPresent(hash)
	var id uuid.UUID
	if known {
		id = session.of.Session
	} else {
		signed, ok := seal.Parse(value, uuid.Size)
		if !ok || !s.keys.Verify(signed, "", "") {
			return nil, user, token.ErrInvalid
		}
		id = uuid.UUID(signed.Payload)
	}
	if err := s.allow(r); err != nil {
		return nil, user, err
	}
	if known {
		user, err = s.sessions.User(r.Context(), session.of)
		if !errors.Is(err, token.ErrRevoked) { // else read says whether it has expired
			return session, user, err
		}
	}
	return s.read(r.Context(), a, id, hash)
}

func (s *sessions) read(ctx context.Context, a accounts.Accounts, id uuid.UUID, hash [sha256.Size]byte) (*knownSession, models.User, error) {
	var row browserSession
	found := s.db.WithContext(ctx).Joins("Session").Limit(1).Find(&row, "session_id = ?", id)
	now := s.db.NowFunc()
	switch {
	case found.Error != nil:
		return nil, models.User{}, found.Error
	case found.RowsAffected == 0 || row.Session.RevokedAt != nil:
		return nil, models.User{}, token.ErrRevoked
	case !row.Session.ExpiresAt.After(now):
		return nil, models.User{}, token.ErrExpired
	}
	of, err := a.ClaimsOf(ctx, row.Session)
	if err != nil {
		return nil, models.User{}, err
	}
	user, err := s.sessions.User(ctx, of)
	if err != nil {
		return nil, user, err
	}
	session := &knownSession{of: of, renews: now.Sub(row.CookieSetAt) >= min(renewInterval, s.ttl/2)}
	session.due.Store(session.renews || now.Sub(row.Session.LastUsedAt) >= useInterval)
	if other, added := s.known().SetIfAbsent(hash, session); !added {
		session = other // of a request at the same time, so that only one of them sets the cookie
	}
	return session, user, nil
}

// note gives a use of a session to storeUses, and sets the cookie again, if the last ones
// are old enough.
func (s *sessions) note(session *knownSession, header http.Header) {
	if !session.due.Load() || !session.due.CompareAndSwap(true, false) {
		return
	}
	if session.renews {
		header.Add("Set-Cookie", s.cookie(session.of.Session))
	}
	s.used.Add(use{session.of.Session, session.renews})
}

// storeUses stores when sessions are used, until ctx ends.
func (s *sessions) storeUses(ctx context.Context, log *slog.Logger) {
	s.used.Store(ctx, func(ctx context.Context, uses []use) {
		if err := s.store(s.db.WithContext(ctx), uses); err != nil {
			log.Warn("the use of browser sessions was not stored", "sessions", len(uses), "error", err)
		}
	})
}

func (s *sessions) store(db *gorm.DB, uses []use) error {
	var ids, renewed []uuid.UUID
	for _, use := range uses {
		ids = append(ids, use.id)
		if use.renews {
			renewed = append(renewed, use.id)
		}
	}
	now := db.NowFunc()
	// Another process may have stored a use, or ended the session.
	err := db.Model(&models.Session{}).Where("id IN (?) AND last_used_at <= ? AND "+models.LiveSession, ids, now.Add(-useInterval), now).
		Updates(map[string]any{"last_used_at": now, "expires_at": now.Add(s.ttl)}).Error
	if err != nil || len(renewed) == 0 {
		return err
	}
	return db.Model(&browserSession{}).Where("session_id IN (?)", renewed).Update("cookie_set_at", now).Error
}
