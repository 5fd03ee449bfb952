// Package middleware has the Gin middleware of the routes.
package middleware

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/token"
)

// Authenticate refuses a request that no authenticator of users accepts, and that has no
// access token. It puts the identity into the context, for accounts.UserFrom.
func Authenticate(users accounts.Accounts) gin.HandlerFunc {
	return func(c *gin.Context) {
		identity, err := identify(users, c.Request)
		if err != nil {
			problem.Write(c, err)
			return
		}
		c.Request = c.Request.WithContext(accounts.WithIdentity(c.Request.Context(), identity))
	}
}

func identify(users accounts.Accounts, r *http.Request) (accounts.Identity, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return accounts.Identity{}, token.ErrInvalid
	}
	text := bearer(strings.Join(headers, ""))
	for _, authenticate := range users.Authenticators {
		if identity, known, err := authenticate(users, r, text); known {
			return identity, err
		}
	}
	if text == "" {
		return accounts.Identity{}, token.ErrMissing
	}
	return byAccessToken(users.Auth, r, text)
}

// bearer returns the token of an Authorization header (RFC 6750, section 2.1), or "" for
// another scheme.
func bearer(header string) string {
	scheme, text, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(text, " ")
}

// byAccessToken identifies the user of an access token. It takes every bearer token for one.
func byAccessToken(auth accounts.Services, r *http.Request, text string) (accounts.Identity, error) {
	claims, err := auth.Tokens.Verify(text)
	if err != nil {
		return accounts.Identity{}, err
	}
	user, err := auth.Sessions.User(r.Context(), claims)
	return accounts.Identity{User: user, By: accounts.BySession, ID: claims.Session, Claims: claims.More}, err
}
