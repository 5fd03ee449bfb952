// Package middleware is what happens around every request.
package middleware

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/auth"
	"example.com/latchkey/problem"
)

// Authenticate lets a request pass only with a good access token of a live
// session, whose user is then auth.UserFrom's. It does what Client does, too, for
// each change of a request's context is a copy of the request.
func Authenticate(services auth.Services) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx, err := authenticated(withClient(c), c.Request.Header, services)
		if err != nil {
			problem.Write(c, err)
			return
		}
		c.Request = c.Request.WithContext(ctx)
	}
}

func authenticated(ctx context.Context, header http.Header, services auth.Services) (context.Context, error) {
	token, err := bearer(header)
	if err != nil {
		return nil, err
	}
	claims, err := services.Tokens.Verify(token)
	if err != nil {
		return nil, err
	}
	user, err := services.Sessions.User(ctx, claims)
	if err != nil {
		return nil, err
	}
	return auth.WithUser(ctx, user, claims.SessionID), nil
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
