// Package middleware is what happens around every request.
package middleware

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/auth"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Authenticate lets a request pass only with a good access token of an active
// user, who is then auth.UserFrom's.
func Authenticate(tokens *auth.Tokens, users *auth.Users) gin.HandlerFunc {
	return func(c *gin.Context) {
		user, err := current(c.Request, tokens, users)
		if err != nil {
			problem.Write(c, err)
			return
		}
		c.Request = c.Request.WithContext(auth.WithUser(c.Request.Context(), user))
	}
}

func current(r *http.Request, tokens *auth.Tokens, users *auth.Users) (models.User, error) {
	token, err := bearer(r.Header)
	if err != nil {
		return models.User{}, err
	}
	claims, err := tokens.Verify(token)
	if err != nil {
		return models.User{}, err
	}
	return users.Active(r.Context(), claims.UserID)
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
