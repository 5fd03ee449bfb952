package accounts

import (
	"cmp"
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/throttle"
	"example.com/latchkey/models"
)

// The mails about accounts, by the names of their templates. Other notices have the
// names of their events.
const (
	mailVerify          = "verify"
	mailReset           = "reset"
	mailInvitation      = "invitation"
	mailPasswordChanged = "password_changed"
	mailEmailChanged    = "email_changed"
	mailCodesGuessed    = "totp_guessed"
)

const (
	// An address gets at most maxMails mails of a kind in mailWindow.
	maxMails   = 3
	mailWindow = time.Hour

	// maxForgotten is how many links to choose a password may wait for their first
	// attempt. Anybody can ask for them, and from any number of networks.
	maxForgotten = 1000
)

// Mails sends mails about accounts.
type Mails struct {
	DB       *gorm.DB
	Links    Links
	Throttle *throttle.Throttle

	// The pages that the links lead to, and how long these work.
	ResetURL, VerifyURL string
	ResetTTL, VerifyTTL time.Duration

	Send SendMail // nil if no mail can be sent

	RequireVerified bool // refuse the logins of users whose email is not verified
}

// SendMail sends a mail. After an error it is tried again later, unless that is
// jobs.Permanent.
type SendMail func(ctx context.Context, to models.Email, template string, content MailContent) error

// MailContent is what the templates show.
type MailContent struct {
	Email   models.Email   `json:"email"` // of the account
	Link    string         `json:"-"`     // "" in a notice
	TTL     time.Duration  `json:"-"`
	Details map[string]any `json:"details"` // of the event that a notice tells of
	Session uuid.UUID      `json:"session"` // that did it, or uuid.Nil
	IP      string         `json:"ip"`      // from which it was done, or ""
}

// Mail is the job that sends a link to an address, if an account has that then. UserID
// is in the rows of a former version, where it names the account, and Email may be empty.
type Mail struct {
	ID       uuid.UUID    `json:"id"`
	Template string       `json:"template"`
	UserID   uuid.UUID    `json:"user_id,omitzero"`
	Email    models.Email `json:"email"`
}

// Kind is the name of the job in the database.
func (Mail) Kind() string { return "mail" }

// ForgottenMail is a Mail that anybody can ask for. It is a kind of its own, because the
// kinds take turns: so the mails of others do not wait behind it.
type ForgottenMail struct{ Mail }

// Kind is the name of the job in the database.
func (ForgottenMail) Kind() string { return "forgotten mail" }

// Notice is the job that tells of a change, at the address of its moment.
type Notice struct {
	ID       uuid.UUID    `json:"id"`
	Template string       `json:"template"`
	To       models.Email `json:"to"`
	MailContent
}

// Kind is the name of the job in the database.
func (Notice) Kind() string { return "notice" }

// ErrEmailUnverified is the answer to a right login while login.require_verified_email
// demands a verified email.
var ErrEmailUnverified = &problem.Problem{Status: 403, Code: "email_unverified", Detail: "The email is not verified"}

// errNoMail is the error of what needs mail.
var errNoMail = problem.Unavailable.Detailed("This service sends no mails")

// newLink is a mail with a link, and the key of its job: of the mails that wait, one of a
// kind is enough for an address.
func newLink(template string, to models.Email) (key string, mail Mail) {
	return template + " " + string(to), Mail{ID: uuid.Must(uuid.NewV7()), Template: template, Email: to}
}

// addLink adds a mail with a link to a transaction. It is sent once that is committed.
func addLink(tx *gorm.DB, template string, to models.Email) error {
	key, mail := newLink(template, to)
	return jobs.AddOnce(tx, key, mail)
}

// addNotice adds a mail that tells of an event to its transaction, unless that is about
// no user, or one who is disabled.
func addNotice(tx *gorm.DB, template string, about Event) error {
	to := cmp.Or(about.OldEmail, about.User.Email)
	if to == "" || about.User.Disabled {
		return nil
	}
	login, _ := LoginFrom(tx.Statement.Context)
	return jobs.Add(tx, Notice{
		ID: uuid.Must(uuid.NewV7()), Template: template, To: to,
		MailContent: MailContent{
			Email: about.User.Email, Details: about.Details, Session: login.SessionID, IP: client.From(tx.Statement.Context).IP,
		},
	})
}

// Hook adds the mails about an event. It is one of Accounts.Hooks. The error is
// unavailable if a mail must invite the user and none can be sent, email_unverified if
// the settings demand a verified email for a login, or too_many_attempts if a network
// asks for many mails to new emails.
func (m Mails) Hook(tx *gorm.DB, event Event) error {
	invited := event.Kind == UserCreated && event.User.PasswordHash == ""
	switch {
	case event.Kind == LoggedIn && m.RequireVerified && !event.User.EmailVerified:
		return ErrEmailUnverified
	case m.Send == nil && invited:
		return errNoMail
	case m.Send == nil:
		return nil
	case invited:
		return addLink(tx, mailInvitation, event.User.Email)
	}
	switch event.Kind {
	case Registered, UserCreated:
		return addLink(tx, mailVerify, event.User.Email)
	case PasswordChanged, PasswordReset:
		return addNotice(tx, mailPasswordChanged, event)
	case EmailChanged:
		if err := m.Throttle.Request(tx); err != nil {
			return err
		}
		if err := addNotice(tx, mailEmailChanged, event); err != nil {
			return err
		}
		return addLink(tx, mailVerify, event.User.Email)
	case KeyCreated:
		return addNotice(tx, string(KeyCreated), event)
	case LoginThrottled:
		if event.Details["of"] == throttle.Code { // who guesses codes knows the password
			return addNotice(tx, mailCodesGuessed, event)
		}
	case TOTPEnabled, TOTPDisabled:
		return addNotice(tx, string(event.Kind), event)
	case TokenTheft, UserDeleted:
		return addNotice(tx, string(event.Kind), event)
	}
	return nil
}

// Forgot sends a link to choose a new password, if an account has this email. It does
// the same for every email: only the job looks for the account. The error is
// unavailable if no mail can be sent, or overloaded if too many wait.
func (m Mails) Forgot(ctx context.Context, email models.Email) error {
	if m.Send == nil {
		return errNoMail
	}
	db := m.DB.WithContext(ctx)
	var waiting int64
	if err := db.Model(&jobs.Row{}).Where("kind = ? AND attempts = 0", ForgottenMail{}.Kind()).Count(&waiting).Error; err != nil {
		return err
	}
	if waiting >= maxForgotten {
		return problem.Overloaded.Detailed("Too many mails wait, try again later")
	}
	return database.Transaction(db, func(tx *gorm.DB) error {
		key, mail := newLink(mailReset, email)
		return jobs.AddOnce(tx, key, ForgottenMail{mail})
	})
}

// Verification sends a logged-in user a link to verify the email.
func (m Mails) Verification(ctx context.Context, login Login) error {
	if m.Send == nil {
		return errNoMail
	}
	return database.Transaction(m.DB.WithContext(ctx), func(tx *gorm.DB) error { return addLink(tx, mailVerify, login.User.Email) })
}
