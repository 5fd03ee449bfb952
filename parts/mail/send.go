package mail

import (
	"cmp"
	"context"
	"encoding/hex"
	"io/fs"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/models"
)

// lockMails is the number of a lock, as those of accounts, for the count of the mails of an
// address.
const lockMails = 7_526_466_404

// An address gets at most maxMails mails of a kind in mailWindow.
const (
	maxMails   = 3
	mailWindow = time.Hour
)

// errUnverified is the answer to a right login while login.require_verified_email
// demands a verified email.
var errUnverified = &problem.Problem{Status: 403, Code: "email_unverified", Detail: "The email is not verified"}

// errNoMail is the error of what needs a mail, if none can be sent.
var errNoMail = problem.Unavailable.Detailed("This service sends no mails")

// texts are those of all parts.
type texts []fs.FS

// Open opens the first text with a name.
func (t texts) Open(name string) (file fs.File, err error) {
	for _, of := range t {
		if file, err = of.Open(name); err == nil {
			return file, nil
		}
	}
	return nil, err
}

// Content is what the texts show.
type Content struct {
	Email   models.Email   `json:"email"` // of the account
	Link    string         `json:"-"`     // "" in a notice
	TTL     time.Duration  `json:"-"`
	Details map[string]any `json:"details"` // of the event that a notice tells of
	Session uuid.UUID      `json:"session"` // that did it, or uuid.Nil
	IP      string         `json:"ip"`      // from which it was done, or ""
}

// linkMail is the job that sends a link to an address, if an account has that then. UserID
// is in the rows of a former version, where it names the account, and Email may be empty.
type linkMail struct {
	ID     uuid.UUID    `json:"id"`
	Text   string       `json:"template"`
	UserID uuid.UUID    `json:"user_id,omitzero"`
	Email  models.Email `json:"email"`
}

// Kind is the name of the job in the database.
func (linkMail) Kind() string { return "mail" }

// key is the key of the job: of the mails that wait, one of a kind is enough for an address.
func (of linkMail) key() string { return of.Text + " " + string(of.Email) }

// forgottenMail is a linkMail that anybody can ask for. It is a kind of its own, because the
// kinds take turns: so the mails of others do not wait behind it.
type forgottenMail struct{ linkMail }

// Kind is the name of the job in the database.
func (forgottenMail) Kind() string { return "forgotten mail" }

// noticeMail is the job that tells of a change, at the address that the account had then.
type noticeMail struct {
	ID   uuid.UUID    `json:"id"`
	Text string       `json:"template"`
	To   models.Email `json:"to"`
	Content
}

// Kind is the name of the job in the database.
func (noticeMail) Kind() string { return "notice" }

func newLink(text string, to models.Email) linkMail {
	return linkMail{ID: uuid.Must(uuid.NewV7()), Text: text, Email: to}
}

// addLink adds a mail with a link to a transaction. It is sent once that is committed.
func addLink(tx *gorm.DB, text string, to models.Email) error {
	of := newLink(text, to)
	return jobs.AddOnce(tx, of.key(), of)
}

// addNotice adds a mail that tells of an event to its transaction, unless that is about
// no user, or one who is disabled.
func addNotice(tx *gorm.DB, text string, about accounts.Event) error {
	to := cmp.Or(about.OldEmail, about.User.Email)
	if to == "" || about.User.Disabled {
		return nil
	}
	login, _ := accounts.LoginFrom(tx.Statement.Context)
	content := Content{Email: about.User.Email, Details: about.Details, Session: login.SessionID, IP: client.From(tx.Statement.Context).IP}
	return jobs.Add(tx, noticeMail{uuid.Must(uuid.NewV7()), text, to, content})
}

// hook adds the mails about an event: a notice has the text that is named as Event.Notice or
// the kind. The error is unavailable if a mail must invite the user and none can be sent,
// email_unverified if the settings demand a verified email for a login, or
// too_many_attempts if a network asks for many mails to new emails.
func (m Mail) hook(tx *gorm.DB, event accounts.Event) error {
	invited := event.Kind == accounts.UserCreated && event.User.PasswordHash == ""
	notice := cmp.Or(event.Notice, string(event.Kind))
	switch {
	case event.Kind == accounts.LoggedIn && m.requireVerified && !event.User.EmailVerified:
		return errUnverified
	case m.send == nil && invited:
		return errNoMail
	case m.send == nil:
		return nil
	case invited:
		return addLink(tx, invitationText, event.User.Email)
	case event.Kind == accounts.Registered, event.Kind == accounts.UserCreated:
		return addLink(tx, verifyText, event.User.Email)
	case event.Kind == accounts.EmailChanged:
		if err := m.accounts.Auth.Throttle.Request(tx); err != nil {
			return err
		}
		return cmp.Or(addNotice(tx, notice, event), addLink(tx, verifyText, event.User.Email))
	}
	if _, err := fs.Stat(m.texts, notice+".txt"); err == nil {
		return addNotice(tx, notice, event)
	}
	return nil
}

// sendLink sends nothing if there is no such account, or if that is disabled or its email
// verified already.
func (m Mail) sendLink(ctx context.Context, of linkMail) error {
	account := m.accounts.DB.WithContext(ctx).Where("email = ?", of.Email)
	if !of.UserID.IsNil() {
		account = m.accounts.DB.WithContext(ctx).Where("id = ?", of.UserID)
	}
	var user models.User
	found := account.Limit(1).Find(&user, "NOT disabled")
	if found.Error != nil || found.RowsAffected == 0 || of.Text == verifyText && user.EmailVerified {
		return found.Error
	}
	content := Content{Email: user.Email}
	if link, has := m.links[of.Text]; has { // a former version wrote notices too
		content.Link, content.TTL = m.newURL(link, user), link.ttl
	}
	return m.sendCounted(ctx, of.ID, cmp.Or(of.Email, user.Email), of.Text, content)
}

func (m Mail) sendNotice(ctx context.Context, of noticeMail) error {
	return m.sendCounted(ctx, of.ID, of.To, of.Text, of.Content)
}

// sendCounted sends a mail, unless its address got too many of its kind. A mail that was
// counted once is sent at its next attempt too.
func (m Mail) sendCounted(ctx context.Context, id uuid.UUID, to models.Email, text string, content Content) error {
	admitted := false
	err := database.Transaction(m.accounts.DB.WithContext(ctx), func(tx *gorm.DB) error {
		if err := database.Lock(tx, lockMails); err != nil {
			return err
		}
		since, until := tx.NowFunc().Add(-mailWindow), tx.NowFunc().Add(mailWindow) // a clock was ahead in a later one
		old := tx.Model(&countedMail{}).Select("id").Where("created_at <= ? OR created_at >= ?", since, until).Limit(database.BatchSize)
		same := m.counted(tx, to, text).Where("id <> ? AND created_at > ? AND created_at < ?", id, since, until)
		var others int64
		err := cmp.Or(tx.Delete(&countedMail{}, "id IN (?)", old).Error, same.Count(&others).Error)
		if admitted = err == nil && others < maxMails; !admitted {
			return err
		}
		counted := countedMail{Base: rows.Base{ID: id}, Address: m.hashed(to), Kind: text}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&counted).Error
	})
	if err != nil || !admitted {
		return err
	}
	return m.send(ctx, to, text, content)
}

// counted selects the mails of a kind that count for an address.
func (m Mail) counted(tx *gorm.DB, to models.Email, text string) *gorm.DB {
	return tx.Model(&countedMail{}).Where("address = ? AND kind = ?", m.hashed(to), text)
}

// hashed returns a keyed hash of an address, for rows that stay when the account is
// deleted.
func (m Mail) hashed(address models.Email) string {
	return hex.EncodeToString(m.keys.Hash("address\x00" + string(address))) // no purpose is "address"
}
