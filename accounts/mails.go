package accounts

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/auth"
	"example.com/latchkey/database"
	"example.com/latchkey/jobs"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// The mails about accounts, by the names of their templates.
const (
	mailVerify          = "verify"
	mailReset           = "reset"
	mailInvitation      = "invitation"
	mailPasswordChanged = "password_changed"
	mailEmailChanged    = "email_changed"
	mailTokenTheft      = "token_theft"
)

// An account gets at most maxMails mails of a kind in mailWindow.
const (
	maxMails   = 3
	mailWindow = time.Hour
)

// Mails sends mails about accounts.
type Mails struct {
	DB    *gorm.DB
	Links auth.Links

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
	Email models.Email // of the account
	Link  string       // "" in a notice
	TTL   time.Duration
}

// Mail is the job that sends a mail about an account. The account has the id UserID
// or, if that is zero, the email Email. The mail goes to Email or, if that is empty,
// to the account's.
type Mail struct {
	ID       uuid.UUID    `json:"id"`
	Template string       `json:"template"`
	UserID   uuid.UUID    `json:"user_id"`
	Email    models.Email `json:"email"`
}

// Kind is the name of the job in the database.
func (Mail) Kind() string { return "mail" }

// errNoMail is the error of what needs mail.
var errNoMail = problem.Unavailable.Detailed("This service sends no mails")

// add adds mails to a transaction. They are sent once it is committed.
func (m Mails) add(tx *gorm.DB, mails ...Mail) (err error) {
	for _, mail := range mails {
		if mail.ID, err = uuid.NewV7(); err != nil {
			return err
		}
		if err := jobs.Add(tx, mail); err != nil {
			return err
		}
	}
	return nil
}

// Hook adds the mails about an event. It is one of Accounts.Hooks. The error is
// unavailable if a mail must invite the user and none can be sent, or email_unverified
// if the settings demand a verified email for a login.
func (m Mails) Hook(tx *gorm.DB, event Event) error {
	to := func(template string) Mail { return Mail{Template: template, UserID: event.User.ID} }
	invited := event.Kind == UserCreated && event.User.PasswordHash == ""
	switch {
	case event.Kind == Login && m.RequireVerified && !event.User.EmailVerified:
		return problem.EmailUnverified
	case m.Send == nil && invited:
		return errNoMail
	case m.Send == nil:
		return nil
	case invited:
		return m.add(tx, to(mailInvitation))
	}
	switch event.Kind {
	case Registered, UserCreated:
		return m.add(tx, to(mailVerify))
	case PasswordChanged, PasswordReset:
		return m.add(tx, to(mailPasswordChanged))
	case EmailChanged:
		notice := to(mailEmailChanged)
		notice.Email = event.OldEmail
		return m.add(tx, notice, to(mailVerify))
	case KeyCreated:
		return m.add(tx, to(string(KeyCreated)))
	case TOTPEnabled, TOTPDisabled:
		return m.add(tx, to(string(event.Kind)))
	case TokenTheft:
		return m.add(tx, to(mailTokenTheft))
	}
	return nil
}

// Forgot sends a link to choose a new password, if an account has this email. It does
// the same for every email: only the job looks for the account. The error is
// unavailable if no mail can be sent.
func (m Mails) Forgot(ctx context.Context, email models.Email) error {
	return m.addOne(ctx, Mail{Template: mailReset, Email: email})
}

// Verification sends a logged-in user a link to verify the email.
func (m Mails) Verification(ctx context.Context, login auth.Login) error {
	return m.addOne(ctx, Mail{Template: mailVerify, UserID: login.User.ID})
}

func (m Mails) addOne(ctx context.Context, mail Mail) error {
	if m.Send == nil {
		return errNoMail
	}
	return database.Transaction(m.DB.WithContext(ctx), func(tx *gorm.DB) error { return m.add(tx, mail) })
}

// Deliver runs the job.
func (m Mails) Deliver(ctx context.Context, mail Mail) error {
	user, admitted, err := m.admit(ctx, mail)
	if err != nil || !admitted {
		return err
	}
	content, to := MailContent{Email: user.Email}, mail.Email
	if to == "" {
		to = user.Email
	}
	switch mail.Template {
	case mailVerify:
		content.TTL = m.VerifyTTL
		content.Link = m.link(m.VerifyURL, user, forVerification, m.VerifyTTL)
	case mailReset:
		content.TTL = m.ResetTTL
		content.Link = m.link(m.ResetURL, user, forReset, m.ResetTTL)
	case mailInvitation:
		content.TTL = m.VerifyTTL
		content.Link = m.link(m.ResetURL, user, forReset, m.VerifyTTL)
	}
	return m.Send(ctx, to, mail.Template, content)
}

// admit returns the account that a mail is about, and whether the mail may be sent: the
// account is not disabled, its email is not verified already, and it got few mails of
// this kind. A mail that was admitted once is admitted again, for its next attempt.
func (m Mails) admit(ctx context.Context, mail Mail) (user models.User, admitted bool, err error) {
	err = database.Transaction(m.DB.WithContext(ctx), func(tx *gorm.DB) error {
		admitted = false
		account := tx.Where("id = ?", mail.UserID)
		if mail.UserID.IsNil() {
			account = tx.Where("email = ?", mail.Email)
		}
		found := account.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Limit(1).Find(&user, "NOT disabled")
		if found.Error != nil || found.RowsAffected == 0 || mail.Template == mailVerify && user.EmailVerified {
			return found.Error
		}
		same := func() *gorm.DB { return tx.Where("user_id = ? AND kind = ?", user.ID, mail.Template) }
		if err := same().Delete(&models.SentMail{}, "created_at <= ?", tx.NowFunc().Add(-mailWindow)).Error; err != nil {
			return err
		}
		var others int64
		if err := same().Model(&models.SentMail{}).Where("id <> ?", mail.ID).Count(&others).Error; err != nil || others >= maxMails {
			return err
		}
		admitted = true
		sent := models.SentMail{Base: models.Base{ID: mail.ID}, UserID: user.ID, Kind: mail.Template}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&sent).Error
	})
	return user, admitted, err
}
