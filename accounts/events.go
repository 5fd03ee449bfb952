package accounts

import (
	"gorm.io/gorm"

	"example.com/latchkey/models"
)

// Kind says what happened to a user.
type Kind string

// The kinds of events.
const (
	Registered      Kind = "registered"
	Login           Kind = "login"
	UserCreated     Kind = "user_created" // by an admin
	PasswordChanged Kind = "password_changed"
	PasswordReset   Kind = "password_reset"
	EmailChanged    Kind = "email_changed"
	EmailVerified   Kind = "email_verified"
	TokenTheft      Kind = "token_theft"
)

// Event is what happened to a user.
type Event struct {
	Kind     Kind
	User     models.User  // after it
	OldEmail models.Email // of EmailChanged
}

// Hook is called with each Event, in the transaction of the change. Its error undoes
// the change.
type Hook func(tx *gorm.DB, event Event) error

// call calls the hooks in the transaction of a change.
func (a Accounts) call(tx *gorm.DB, event Event) error {
	for _, hook := range a.Hooks {
		if err := hook(tx, event); err != nil {
			return err
		}
	}
	return nil
}
