// Package middleware has the Gin middleware of the routes.
package middleware

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/auth"
	"example.com/latchkey/kit/problem"
)

// Authenticate refuses a request without a bearer token that one of the authenticators
// accepts. It puts the identity into the context, for auth.UserFrom, and replaces
// Client.
func Authenticate(authenticators []auth.Authenticator) gin.HandlerFunc {
	return func(c *gin.Context) {
		identity, err := identify(c.Request, authenticators)
		if err != nil {
			problem.Write(c, err)
			return
		}
		c.Request = c.Request.WithContext(auth.WithIdentity(c.Request.Context(), clientOf(c), identity))
	}
}

func identify(r *http.Request, authenticators []auth.Authenticator) (auth.Identity, error) {
	token, err := bearer(r.Header)
	if err != nil {
		return auth.Identity{}, err
	}
	for _, authenticate := range authenticators {
		if identity, known, err := authenticate(r, token); known {
			return identity, err
		}
	}
	return auth.Identity{}, auth.ErrTokenInvalid
}

// bearer returns the token of the Authorization header (RFC 6750, section 2.1).
// Another scheme counts as no token. Two headers are invalid.
func bearer(header http.Header) (string, error) {
	values := header.Values("Authorization")
	if len(values) > 1 {
		return "", auth.ErrTokenInvalid
	}
	scheme, token, _ := strings.Cut(strings.Join(values, ""), " ")
	token = strings.TrimLeft(token, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", auth.ErrTokenMissing
	}
	return token, nil
}
