// Package auth has tokens, sessions, passwords, and the current user of a request.
package auth

import (
	"context"
	"net/netip"
	"runtime"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/config"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// The errors of a request that is not authenticated; check them with errors.Is.
var (
	ErrTokenMissing error = problem.TokenMissing
	ErrTokenExpired error = problem.TokenExpired
	ErrTokenInvalid error = problem.TokenInvalid
	ErrTokenRevoked error = problem.TokenRevoked
)

// Services holds what handlers and middleware use of this package.
type Services struct {
	Tokens    *Tokens
	Sessions  *Sessions
	Passwords *Passwords
}

// New makes Services from settings that config has checked. It takes GOMAXPROCS as
// the number of cores.
func New(settings config.Settings, db *gorm.DB) Services {
	return Services{
		Tokens:    NewTokens(settings.JWT),
		Sessions:  NewSessions(db, settings.JWT),
		Passwords: NewPasswords(settings.Password, runtime.GOMAXPROCS(0), Bcrypt()),
	}
}

// Client is the sender of a request, and the id of that request in the log.
type Client struct {
	IP        string
	UserAgent string
	RequestID string
}

// Network returns the network that counts as one client: its IPv4 address, or the /64
// of its IPv6 address, which one client can have as a whole.
func (c Client) Network() string {
	addr, err := netip.ParseAddr(c.IP)
	if err != nil {
		return c.IP
	}
	if addr = addr.Unmap(); addr.Is4() {
		return addr.String()
	}
	network, _ := addr.Prefix(64)
	return network.String()
}

type callerKey struct{}

// caller is what is known of the sender of a request.
type caller struct {
	client   Client
	signedIn bool
	user     models.User
	session  uuid.UUID
}

func callerFrom(ctx context.Context) *caller {
	if from, ok := ctx.Value(callerKey{}).(*caller); ok {
		return from
	}
	return new(caller)
}

// WithClient returns a context with the client of a request, and without a user.
func WithClient(ctx context.Context, client Client) context.Context {
	return context.WithValue(ctx, callerKey{}, &caller{client: client})
}

// WithUser returns a context with the client, the current user and the session.
func WithUser(ctx context.Context, client Client, user models.User, session uuid.UUID) context.Context {
	return context.WithValue(ctx, callerKey{}, &caller{client, true, user, session})
}

// ClientFrom returns the client, which is empty outside a request.
func ClientFrom(ctx context.Context) Client { return callerFrom(ctx).client }

// UserFrom returns the current user, and whether the request is authenticated.
func UserFrom(ctx context.Context) (models.User, bool) {
	from := callerFrom(ctx)
	return from.user, from.signedIn
}

// SessionFrom returns the id of the current session, or uuid.Nil if the request is
// not authenticated.
func SessionFrom(ctx context.Context) uuid.UUID { return callerFrom(ctx).session }
