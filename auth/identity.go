package auth

import (
	"context"
	"net/http"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/models"
)

// Authenticator identifies the user of one kind of bearer token. It reports known as
// false for a token of another kind. The error is ErrTokenInvalid, ErrTokenExpired,
// ErrTokenRevoked, or what the token does not allow.
type Authenticator func(r *http.Request, token string) (identity Identity, known bool, err error)

// byAccessToken identifies the user of an access token. It takes every token for one,
// so it is the last of the list.
func byAccessToken(tokens *Tokens, sessions *Sessions) Authenticator {
	return func(r *http.Request, token string) (identity Identity, known bool, err error) {
		claims, err := tokens.Verify(token)
		if err != nil {
			return identity, true, err
		}
		user, err := sessions.User(r.Context(), claims)
		return Identity{user, BySession, claims.SessionID}, true, err
	}
}

// Identity is the user of a request, and the credential that proves it.
type Identity struct {
	User models.User
	By   Credential // "" if nobody is known
	ID   uuid.UUID  // of the session, or of what else By says
}

// Credential is a kind of credential.
type Credential string

// BySession is the access token of a session.
const BySession Credential = "session"

// Login is a user who has logged in, and the session of that login. What is about
// signing in takes a Login and no user, so that no other credential is enough.
type Login struct {
	User      models.User
	SessionID uuid.UUID
}

type callerKey struct{}

// caller is what is known of the sender of a request.
type caller struct {
	client   Client
	identity Identity
}

func callerFrom(ctx context.Context) *caller {
	if from, ok := ctx.Value(callerKey{}).(*caller); ok {
		return from
	}
	return new(caller)
}

// WithClient returns a context with the client of a request, and without an identity.
func WithClient(ctx context.Context, client Client) context.Context {
	return context.WithValue(ctx, callerKey{}, &caller{client: client})
}

// WithIdentity returns a context with the client and the identity of a request.
func WithIdentity(ctx context.Context, client Client, identity Identity) context.Context {
	return context.WithValue(ctx, callerKey{}, &caller{client, identity})
}

// ClientFrom returns the client, which is empty outside a request.
func ClientFrom(ctx context.Context) Client { return callerFrom(ctx).client }

// UserFrom returns the current user, and whether the request is authenticated.
func UserFrom(ctx context.Context) (models.User, bool) {
	from := callerFrom(ctx)
	return from.identity.User, from.identity.By != ""
}

// LoginFrom returns the current user and session, and whether the request has the
// access token of a session.
func LoginFrom(ctx context.Context) (Login, bool) {
	is := callerFrom(ctx).identity
	if is.By != BySession {
		return Login{}, false
	}
	return Login{is.User, is.ID}, true
}
