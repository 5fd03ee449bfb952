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

// Authenticate refuses a request that none of the authenticators accepts. It puts the identity into the context, for accounts.UserFrom.
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
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return accounts.Identity{}, token.ErrInvalid
	}
	text := bearer(strings.Join(headers, ""))
	for _, authenticate := range authenticators {
		if identity, known, err := authenticate(r, text); known {
			return identity, err
		}
	}
	return accounts.Identity{}, token.ErrMissing
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

// ByAccessToken identifies the user of an access token. It takes every bearer token for
// one, so it is the last of the list.
func ByAccessToken(tokens *token.Tokens, sessions *accounts.Sessions) accounts.Authenticator {
	return func(r *http.Request, text string) (identity accounts.Identity, known bool, err error) {
		if text == "" {
			return identity, false, nil
		}
		claims, err := tokens.Verify(text)
		if err != nil {
			return identity, true, err
		}
		user, err := sessions.User(r.Context(), claims)
		return accounts.Identity{User: user, By: accounts.BySession, ID: claims.Session, Claims: claims.More}, true, err
	}
}
