// Package auth knows who somebody is: tokens, sessions, passwords, and the
// current user.
package auth

import (
	"context"
	"runtime"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/config"
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

// Services are all of this package that handlers and middleware use.
type Services struct {
	Tokens    *Tokens
	Sessions  *Sessions
	Passwords *Passwords
}

// New makes Services from settings that config has checked. It takes GOMAXPROCS
// for the number of cores.
func New(settings config.Settings, db *gorm.DB) Services {
	return Services{
		Tokens:    NewTokens(settings.JWT),
		Sessions:  NewSessions(db, settings.JWT),
		Passwords: NewPasswords(settings.Password, runtime.GOMAXPROCS(0), Bcrypt()),
	}
}

// Client is where a request comes from.
type Client struct {
	IP        string
	UserAgent string
}

type callerKey struct{}

// caller is who sends a request, as far as it is known.
type caller struct {
	client   Client
	signedIn bool
	user     models.User
	session  uuid.UUID
}

func callerFrom(ctx context.Context) caller {
	from, _ := ctx.Value(callerKey{}).(caller)
	return from
}

// WithClient returns a context that carries the client of a request, where nobody
// is signed in.
func WithClient(ctx context.Context, client Client) context.Context {
	return context.WithValue(ctx, callerKey{}, caller{client: client})
}

// WithUser returns a context that carries the client, the current user and the
// session.
func WithUser(ctx context.Context, client Client, user models.User, session uuid.UUID) context.Context {
	return context.WithValue(ctx, callerKey{}, caller{client, true, user, session})
}

// ClientFrom gives the client, empty where no request is served.
func ClientFrom(ctx context.Context) Client { return callerFrom(ctx).client }

// UserFrom gives the current user, where the request is authenticated.
func UserFrom(ctx context.Context) (models.User, bool) {
	from := callerFrom(ctx)
	return from.user, from.signedIn
}

// SessionFrom gives the id of the current session, where the request is
// authenticated.
func SessionFrom(ctx context.Context) uuid.UUID { return callerFrom(ctx).session }
