package accounts

import (
	"context"
	"net/http"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/throttle"
	"example.com/latchkey/models"
)

// Authenticator identifies the user of a request by one kind of credential. bearer is the
// token of its Authorization header, or "". It reports known as false for a request with
// another kind of credential, or with none. The error is one of kit/token, or says what the
// credential does not allow.
type Authenticator func(a Accounts, r *http.Request, bearer string) (identity Identity, known bool, err error)

// Identity is the user of a request, and the credential that proves it.
type Identity struct {
	User   models.User
	By     Credential     // "" if nobody is known
	ID     uuid.UUID      // of the session, or of what else By says
	Claims map[string]any // token.Claims.More of the session
}

// Credential is a kind of credential.
type Credential string

// BySession is the access token of a session, or what a Carrier has put in its place.
const BySession Credential = "session"

// Login is a user who has logged in, and the session of that login. What changes logins
// takes a Login and not a user, so that no other credential is enough.
type Login struct {
	User      models.User
	SessionID uuid.UUID
}

type identityKey struct{}

// WithIdentity returns a context with the identity of a request.
func WithIdentity(ctx context.Context, identity Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, &identity)
}

func identityFrom(ctx context.Context) *Identity {
	if identity, ok := ctx.Value(identityKey{}).(*Identity); ok {
		return identity
	}
	return &Identity{}
}

// UserFrom returns the current user, and whether the request is authenticated.
func UserFrom(ctx context.Context) (models.User, bool) {
	is := identityFrom(ctx)
	return is.User, is.By != ""
}

// ClaimsFrom returns the claims of this program itself for the session of the request.
func ClaimsFrom(ctx context.Context) map[string]any { return identityFrom(ctx).Claims }

// LoginFrom returns the current user and session, and whether the request has the
// credential of a session.
func LoginFrom(ctx context.Context) (Login, bool) {
	is := identityFrom(ctx)
	if is.By != BySession {
		return Login{}, false
	}
	return Login{is.User, is.ID}, true
}

// GuessBy returns a guess at the passwords or the codes of an account, by the client and
// the session of the context.
func GuessBy(ctx context.Context, email models.Email, of throttle.Guessed) throttle.Guess {
	g := throttle.Guess{Account: string(email), Of: of}
	if login, ok := LoginFrom(ctx); ok {
		g.Session = login.SessionID.String()
	}
	return g
}
