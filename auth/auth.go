// Package auth has tokens, sessions, passwords, and the identity of a request.
package auth

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime"

	"gorm.io/gorm"

	"example.com/latchkey/config"
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
	Throttle  *Throttle

	Authenticators []Authenticator                       // are asked in this order
	Background     []func(context.Context, *slog.Logger) // run as long as the server, until the context ends
}

// New makes Services from settings that config has checked. It takes GOMAXPROCS as
// the number of cores.
func New(settings config.Settings, db *gorm.DB) Services {
	tokens, sessions := NewTokens(settings.JWT), NewSessions(db, settings.JWT)
	keys := newAPIKeys(sessions, settings.JWT)
	return Services{
		Tokens:    tokens,
		Sessions:  sessions,
		Passwords: NewPasswords(settings.Password, runtime.GOMAXPROCS(0), Bcrypt()),
		Throttle:  NewThrottle(settings, db),
		Authenticators: []Authenticator{
			keys.identify,
			byAccessToken(tokens, sessions),
		},
		Background: []func(context.Context, *slog.Logger){
			sessions.ReceiveRevocations,
			keys.storeUses,
		},
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
