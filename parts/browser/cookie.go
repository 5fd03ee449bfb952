package browser

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/models"
)

// The names of the cookie. Browsers take __Host- only with Secure, for / and from the host
// itself, so that no other host and no plain HTTP can set it.
const (
	secureName = "__Host-session"
	plainName  = "session"
)

// cookie returns the cookie of a session. Its value never changes, so that requests at the
// same time cannot disturb each other.
func (s *sessions) cookie(id uuid.UUID) string {
	return s.setCookie(s.keys.Sign(id[:], "", ""), int(s.ttl.Seconds()))
}

// noCookie makes the browser delete its cookie.
func (s *sessions) noCookie() string { return s.setCookie("", -1) }

func (s *sessions) setCookie(value string, maxAge int) string {
	cookie := http.Cookie{ //nolint:gosec // Secure is up to the scheme
		Name: s.name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	return cookie.String()
}

// carry puts the cookie of a new session into the answer.
func (s *sessions) carry(ctx context.Context, session models.Session) error {
	endpoint.Context(ctx).Writer.Header().Add("Set-Cookie", s.cookie(session.ID))
	return nil
}

type headerKey struct{}

// prepare lets identify set the cookie: the context of a request with cookies has the
// headers of its answer. The answer of a logout deletes the cookie.
func (s *sessions) prepare(c *gin.Context) {
	if !usesCookies(c.Request) {
		return
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), headerKey{}, c.Writer.Header()))
	c.Next()
	if c.FullPath() == s.logout && c.Writer.Status() == http.StatusNoContent {
		c.Writer.Header().Add("Set-Cookie", s.noCookie())
	}
}

// usesCookies reports whether the cookies of a request are read: with an Authorization
// header, only that says who is calling.
func usesCookies(r *http.Request) bool {
	return len(r.Header["Cookie"]) > 0 && len(r.Header["Authorization"]) == 0
}
