package accounts

import (
	"reflect"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/models"
)

// Kind says what happened to a user.
type Kind string

// The kinds of events.
const (
	Registered      Kind = "registered"
	LoggedIn        Kind = "login"
	LoginFailed     Kind = "login_failed" // a wrong password, also one of a signed-in user
	LoginThrottled  Kind = "login_throttled"
	Logout          Kind = "logout"
	SessionEnded    Kind = "session_ended"
	TokenTheft      Kind = "token_theft"
	PasswordChanged Kind = "password_changed"
	PasswordReset   Kind = "password_reset"
	EmailChanged    Kind = "email_changed"
	EmailVerified   Kind = "email_verified"
	UserCreated     Kind = "user_created" // by an admin or the command line
	UserChanged     Kind = "user_changed"
	UserDeleted     Kind = "user_deleted"
)

// Event is what happened to a user. Who did it, and from where, is in the context.
type Event struct {
	Kind     Kind
	User     models.User    // after it; the zero User is an unknown one
	Session  uuid.UUID      // which began or ended; uuid.Nil is the current one
	OldEmail models.Email   // of EmailChanged
	Details  map[string]any // what else is known of it, and no secret
	Notice   string         // the name of the text of a mail about it, if that is not its Kind

	// WasUnverified is of PasswordReset: the email had not been verified before.
	WasUnverified bool
}

// Kinds has the kinds of events of the core.
var Kinds = []Kind{
	Registered, LoggedIn, LoginFailed, LoginThrottled, Logout, SessionEnded, TokenTheft,
	PasswordChanged, PasswordReset, EmailChanged, EmailVerified, UserCreated, UserChanged, UserDeleted,
}

// Hook is called with each Event, in the transaction of the change. The context of tx
// has the current user, session and client (accounts.UserFrom, accounts.LoginFrom,
// client.From). An error undoes the change.
type Hook func(tx *gorm.DB, event Event) error

// Tell calls the hooks in the transaction of a change.
func (a Accounts) Tell(tx *gorm.DB, event Event) error {
	for _, hook := range a.Hooks {
		if err := hook(tx, event); err != nil {
			return err
		}
	}
	return nil
}

// changed calls the hooks with UserChanged, unless a change has changed nothing.
func (a Accounts) changed(tx *gorm.DB, before, after models.User) error {
	details := map[string]any{}
	if before.Role != after.Role {
		details["role"] = fromTo{before.Role, after.Role}
	}
	if before.Disabled != after.Disabled {
		details["disabled"] = fromTo{before.Disabled, after.Disabled}
	}
	if !reflect.DeepEqual(before.Name, after.Name) {
		details["name"] = fromTo{before.Name != nil, after.Name != nil} // events outlive the user, names do not
	}
	if len(details) == 0 {
		return nil
	}
	return a.Tell(tx, Event{Kind: UserChanged, User: after, Details: details})
}

// fromTo is a change of a value in Event.Details.
type fromTo struct {
	From any `json:"from"`
	To   any `json:"to"`
}
