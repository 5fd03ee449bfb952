package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/oidc"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/ticket"
)

// step is what the next step of a login must know. A ticket has it.
type step struct {
	oidc.Request
	Provider            string
	ReturnTo            string    // where the login leads
	Challenge, AppState string    // of an app that gets a code, or "" for a browser
	SessionID           uuid.UUID // of who links a provider, or uuid.Nil at a login
	UserID, Identity    uuid.UUID // who links a provider, or has come back with an identity
}

// cookieName begins the names of the cookies.
const cookieName = "login-"

var (
	toLink   = ticket.Purpose{Name: "link", TTL: time.Minute}              // in the address that begins to link
	toReturn = ticket.Purpose{Name: "return", TTL: 10 * time.Minute}       // in a cookie, while the browser is at the provider
	toSecond = ticket.Purpose{Name: "second factor", TTL: 5 * time.Minute} // in a cookie, while the second factor is asked for
	toRedeem = ticket.Purpose{Name: "code", TTL: time.Minute}              // as the code of an app
)

// errLost is the error of a ticket that does not work.
var errLost = accounts.ErrLoginFailed.Detailed("This login was not begun in this browser, was used, or took too long: begin again")

// keep sets the cookie with a ticket, which the browser sends to the callback only. Without a
// purpose, it deletes the cookie. Each state has its own cookie, so that logins in two tabs do
// not disturb each other.
func (l Logins) keep(ctx context.Context, s step, to ticket.Purpose) {
	at := l.root(ctx).JoinPath("login", s.Provider, "callback")
	cookie := http.Cookie{ //nolint:gosec // Secure is up to the scheme
		Name: cookieName + s.State, Path: at.EscapedPath(), Secure: at.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	l.tickets.SetCookie(endpoint.Context(ctx).Writer.Header(), cookie, s, to)
}

// kept returns the ticket in the cookie of a state, and whether it can be used.
func (l Logins) kept(ctx context.Context, provider, state string, to ticket.Purpose) (t ticket.Ticket[step], ok bool) {
	t, ok = l.tickets.OpenCookie(endpoint.Context(ctx).Request, cookieName+state, to)
	return t, ok && t.Value.State == state && t.Value.Provider == provider && l.providers[provider] != nil
}

// isOther reports whether somebody else than the user who began to link is signed in to the
// browser.
func (l Logins) isOther(ctx context.Context, user uuid.UUID) bool {
	for _, identify := range l.accounts.Authenticators {
		if by, known, err := identify(l.accounts, endpoint.Context(ctx).Request, ""); known && (err != nil || by.User.ID != user) {
			return true
		}
	}
	return false
}

// checkReturn checks where a login leads: to a path of this server, or to an app. The error is
// validation_failed.
func (l Logins) checkReturn(ctx context.Context, s *step, in Begin) error {
	hash, err := base64.RawURLEncoding.Strict().DecodeString(in.Challenge)
	switch {
	case !l.leads(s.ReturnTo):
		return errReturn
	case settings.IsPath(s.ReturnTo):
		_, err := l.accounts.CarrierOf(ctx, cookieCarrier) // the program may have no cookies
		return err
	case in.Method != "S256" || err != nil || len(hash) != sha256.Size:
		return problem.Field("code_challenge", "is needed for this return_to, with code_challenge_method=S256 (RFC 7636)")
	case in.State == "":
		return problem.Field("state", "is needed for this return_to")
	}
	s.Challenge, s.AppState = in.Challenge, in.State
	return nil
}

// errReturn is the error of an address to which no login leads.
var errReturn = problem.Field("return_to", "is neither a path of this server nor one of oidc.return_to")

// leads reports whether a login may lead to an address.
func (l Logins) leads(to string) bool {
	return len(to) <= 1000 && (settings.IsPath(to) || slices.Contains(l.own.ReturnTo, to))
}

// root is the URL with which the addresses of this server begin, as a browser knows it.
func (l Logins) root(ctx context.Context) *url.URL {
	root, _ := url.Parse(l.settings.Server.URL(endpoint.Context(ctx).Request.Host) + "/") // the settings are checked
	return root
}

// callback is the redirect_uri of a provider.
func (l Logins) callback(ctx context.Context, provider string) string {
	return l.root(ctx).JoinPath("login", provider, "callback").String()
}
