// Package auth has tokens, sessions, passwords, and the identity of a request.
package auth

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"runtime"

	"gorm.io/gorm"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/problem"
)

// The errors of a request that is not authenticated; check them with errors.Is.
var (
	ErrTokenMissing = &problem.Problem{Status: 401, Code: "token_missing", Detail: "Not authenticated"}
	ErrTokenExpired = &problem.Problem{Status: 401, Code: "token_expired", Detail: "Token expired", Challenge: "invalid_token"}
	ErrTokenInvalid = &problem.Problem{Status: 401, Code: "token_invalid", Detail: "Invalid token", Challenge: "invalid_token"}
	ErrTokenRevoked = &problem.Problem{Status: 401, Code: "token_revoked", Detail: "Token revoked", Challenge: "invalid_token"}
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
	networks := c.networks()
	return networks[len(networks)-1]
}

// networks returns Network after the larger one that one client can have: the /24 of an
// IPv4 address, or the /48 of an IPv6 address.
func (c Client) networks() []string {
	addr, err := netip.ParseAddr(c.IP)
	if err != nil {
		return []string{cmp.Or(c.IP, "unknown")}
	}
	addr = addr.Unmap()
	if addr.Is4() {
		larger, _ := addr.Prefix(24)
		return []string{larger.String(), addr.String()}
	}
	larger, _ := addr.Prefix(48)
	network, _ := addr.Prefix(64)
	return []string{larger.String(), network.String()}
}
