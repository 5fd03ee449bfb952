// Package middleware is what happens around every request.
package middleware

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/auth"
	"example.com/latchkey/problem"
)

// Authenticate lets a request pass only with a good access token of an active
// user, who is then auth.UserFrom's.
func Authenticate(tokens *auth.Tokens, users *auth.Users) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		token, err := bearer(c.Request.Header)
		if err != nil {
			problem.Write(c, err)
			return
		}
		claims, err := tokens.Verify(token)
		if err != nil {
			problem.Write(c, err)
			return
		}
		user, err := users.Active(ctx, claims.UserID)
		if err != nil {
			problem.Write(c, err)
			return
		}
		c.Request = c.Request.WithContext(auth.WithUser(ctx, user))
	}
}

// bearer gives the token of the Authorization header (RFC 6750, section 2.1).
// Another scheme is no token; two headers are no one's.
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
