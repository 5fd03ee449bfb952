// Package middleware has the Gin middleware of the routes.
package middleware

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/auth"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Authenticate refuses a request without a valid access token of a live session. It
// puts the user into the context, for auth.UserFrom, and replaces Client.
func Authenticate(services auth.Services) gin.HandlerFunc {
	return func(c *gin.Context) {
		user, session, err := userOf(c.Request, services)
		if err != nil {
			problem.Write(c, err)
			return
		}
		c.Request = c.Request.WithContext(auth.WithUser(c.Request.Context(), clientOf(c), user, session))
	}
}

func userOf(r *http.Request, services auth.Services) (user models.User, session uuid.UUID, err error) {
	token, err := bearer(r.Header)
	if err != nil {
		return user, session, err
	}
	claims, err := services.Tokens.Verify(token)
	if err != nil {
		return user, session, err
	}
	user, err = services.Sessions.User(r.Context(), claims)
	return user, claims.SessionID, err
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
