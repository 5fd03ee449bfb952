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

// Authenticate refuses a request without a bearer token that one of the authenticators
// accepts. It puts the identity into the context, for accounts.UserFrom.
func Authenticate(authenticators []accounts.Authenticator) gin.HandlerFunc {
	return func(c *gin.Context) {
		identity, err := identify(c.Request, authenticators)
		if err != nil {
			problem.Write(c, err)
			return
		}
		c.Request = c.Request.WithContext(accounts.WithIdentity(c.Request.Context(), identity))
	}
}

func identify(r *http.Request, authenticators []accounts.Authenticator) (accounts.Identity, error) {
	text, err := bearer(r.Header)
	if err != nil {
		return accounts.Identity{}, err
	}
	for _, authenticate := range authenticators {
		if identity, known, err := authenticate(r, text); known {
			return identity, err
		}
	}
	return accounts.Identity{}, token.ErrInvalid
}

// bearer returns the token of the Authorization header (RFC 6750, section 2.1).
// Another scheme counts as no token. Two headers are invalid.
func bearer(header http.Header) (string, error) {
	values := header.Values("Authorization")
	if len(values) > 1 {
		return "", token.ErrInvalid
	}
	scheme, text, _ := strings.Cut(strings.Join(values, ""), " ")
	text = strings.TrimLeft(text, " ")
	if !strings.EqualFold(scheme, "Bearer") || text == "" {
		return "", token.ErrMissing
	}
	return text, nil
}

// ByAccessToken identifies the user of an access token. It takes every token for one, so it
// is the last of the list.
func ByAccessToken(tokens *token.Tokens, sessions *accounts.Sessions) accounts.Authenticator {
	return func(r *http.Request, text string) (identity accounts.Identity, known bool, err error) {
		claims, err := tokens.Verify(text)
		if err != nil {
			return identity, true, err
		}
		user, err := sessions.User(r.Context(), claims)
		return accounts.Identity{User: user, By: accounts.BySession, ID: claims.Session, Claims: claims.More}, true, err
	}
}
