// Package auth knows who somebody is: tokens, passwords, and the current user.
package auth

import (
	"context"

	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Why a request is not authenticated; test for them with errors.Is.
var (
	ErrTokenMissing error = problem.TokenMissing
	ErrTokenExpired error = problem.TokenExpired
	ErrTokenInvalid error = problem.TokenInvalid
	ErrTokenRevoked error = problem.TokenRevoked
)

type userKey struct{}

// WithUser returns a context that carries the current user.
func WithUser(ctx context.Context, user models.User) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// UserFrom gives the current user, where the request is authenticated.
func UserFrom(ctx context.Context) (models.User, bool) {
	user, ok := ctx.Value(userKey{}).(models.User)
	return user, ok
}
