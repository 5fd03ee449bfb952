package mail

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/models"
)

// The names of the texts with links.
const (
	verifyText     = "verify"
	resetText      = "reset"
	invitationText = "invitation"
)

// maxForgotten is how many links to choose a password may wait for their first attempt.
// Anybody can ask for them, and from any number of networks.
const maxForgotten = 1000

// A link's token is a user's id and the second at which it expires, signed with its
// purpose and the state that its use changes. So it works once, without a table.
const tokenSize = uuid.Size + 8

// errBadToken is the error of a link's token that does not work.
var errBadToken = problem.Field("token", "is not valid: it has expired, was used, or is not complete")

// purpose is what a link is for. state is what its use changes, so that it works once.
type purpose struct {
	name  string
	state func(models.User) string
}

var (
	forReset        = purpose{"reset\x00", func(u models.User) string { return addressState(u) + "\n" + u.PasswordHash }}
	forVerification = purpose{"verify\x00", func(u models.User) string { return fmt.Sprintf("%s\n%t", addressState(u), u.EmailVerified) }}
)

// addressState differs after each change of the email, so that a link does not work again
// when the email is changed back. Without a change it is the email alone, so the links of
// the version before this one still work.
func addressState(u models.User) string {
	if u.EmailChanges == 0 {
		return string(u.Email)
	}
	return fmt.Sprintf("%s\n%d", u.Email, u.EmailChanges)
}

// link leads to a page, and works for some time.
type link struct {
	purpose
	page string
	ttl  time.Duration
}

// newURL returns the URL of a link's page with a new token.
func (m Mail) newURL(of link, user models.User) string {
	expires := m.accounts.DB.NowFunc().Add(of.ttl).Unix()
	payload := binary.BigEndian.AppendUint64(user.ID.Bytes(), uint64(expires)) //nolint:gosec // after 1970
	return settings.WithQuery(of.page, url.Values{"token": {m.keys.Sign(payload, of.name, of.state(user))}})
}

// use uses the token of a link: prepare does what takes long, and change is run as
// Accounts.WithUser does. Both are run only if the token is valid at that moment. The error
// is validation_failed on token otherwise.
func (m Mail) use(ctx context.Context, token string, of purpose, prepare func(user models.User) error, change func(tx *gorm.DB, user models.User) error) error {
	signed, ok := seal.Parse(token, tokenSize)
	if !ok {
		return errBadToken
	}
	id := uuid.UUID(signed.Payload[:uuid.Size])
	expires := time.Unix(int64(binary.BigEndian.Uint64(signed.Payload[uuid.Size:])), 0) //nolint:gosec // checked with the MAC
	check := func(user models.User) error {
		if user.Disabled || !m.keys.Verify(signed, of.name, of.state(user)) || !m.accounts.DB.NowFunc().Before(expires) {
			return errBadToken
		}
		return nil
	}
	var user models.User
	found := m.accounts.DB.WithContext(ctx).Limit(1).Find(&user, "id = ?", id)
	if err := cmp.Or(found.Error, check(user)); err != nil {
		return err
	}
	if err := prepare(user); err != nil {
		return err
	}
	err := m.accounts.WithUser(ctx, id, func(tx *gorm.DB, user models.User) error {
		if err := check(user); err != nil {
			return err
		}
		return change(tx, user)
	})
	if errors.Is(err, problem.NotFound) {
		return errBadToken
	}
	return err
}

// ForgottenPassword is the email of an account whose password is forgotten.
type ForgottenPassword struct {
	Email models.Email `json:"email" binding:"required,email,max=254"`
}

// PasswordReset is the token of a link, and a new password.
type PasswordReset struct {
	Token    string            `json:"token" binding:"required"`
	Password password.Password `json:"password" binding:"required"`
}

// EmailVerification is the token of a link.
type EmailVerification struct {
	Token string `json:"token" binding:"required"`
}

// Forgot sends a link to choose a new password, if an account has this email. It does the
// same for every email: only the job looks for the account. The error is too_many_attempts,
// unavailable if no mail can be sent, or overloaded if too many wait.
func (m Mail) Forgot(ctx context.Context, in ForgottenPassword) (endpoint.None, error) {
	return endpoint.None{}, m.request(ctx, func(tx *gorm.DB) error {
		var waiting int64
		if err := tx.Model(&jobs.Row{}).Where("kind = ? AND attempts = 0", forgottenMail{}.Kind()).Count(&waiting).Error; err != nil {
			return err
		}
		if waiting >= maxForgotten {
			return problem.Overloaded.Detailed("Too many mails wait, try again later")
		}
		of := newLink(resetText, in.Email)
		return jobs.AddOnce(tx, of.key(), forgottenMail{of})
	})
}

// SendVerification sends the link to verify the email once more. The error is
// too_many_attempts, or unavailable if no mail can be sent.
func (m Mail) SendVerification(ctx context.Context, login accounts.Login, _ endpoint.None) (endpoint.None, error) {
	return endpoint.None{}, m.request(ctx, func(tx *gorm.DB) error { return addLink(tx, verifyText, login.User.Email) })
}

// request runs add in a transaction, if the network of the client may ask for a mail.
func (m Mail) request(ctx context.Context, add func(tx *gorm.DB) error) error {
	db := m.accounts.DB.WithContext(ctx)
	if err := m.accounts.Auth.Throttle.Request(db); err != nil {
		return err
	}
	if m.send == nil {
		return errNoMail
	}
	return database.Transaction(db, add)
}

// CheckReset returns the rules that the new password breaks. Reset checks those about the
// email, which is known only from a valid token.
func (m Mail) CheckReset(_ context.Context, in PasswordReset) []problem.FieldError {
	return m.accounts.CheckPassword("password", in.Password, "")
}

// Reset sets the password of the user of a link, and ends every session. The mail has
// reached the user, so the email is verified too, and the user can log in from the
// current network even if others guess the password. The mail no longer counts, so that
// the owner can ask for the next one. The error is validation_failed on token or
// password, or overloaded.
func (m Mail) Reset(ctx context.Context, in PasswordReset) (endpoint.None, error) {
	a := m.accounts
	var hash string
	prepare := func(user models.User) (err error) {
		hash, err = a.Hash(ctx, "password", in.Password, user.Email)
		return err
	}
	return endpoint.None{}, m.use(ctx, in.Token, forReset, prepare, func(tx *gorm.DB, user models.User) error {
		event := accounts.Event{Kind: accounts.PasswordReset, Notice: string(accounts.PasswordChanged), User: user, WasUnverified: !user.EmailVerified}
		event.User.EmailVerified = true
		used := m.counted(tx, user.Email, resetText).Select("id").Order("id").Limit(1)
		err := cmp.Or(a.Auth.Throttle.Remember(ctx, tx, string(user.Email)), tx.Delete(&countedMail{}, "id = (?)", used).Error)
		if err != nil {
			return err
		}
		return a.SetHash(tx, event, hash)
	})
}

// Verify marks the email of the user of a link as verified. The error is
// validation_failed on token.
func (m Mail) Verify(ctx context.Context, in EmailVerification) (endpoint.None, error) {
	prepare := func(models.User) error { return nil }
	return endpoint.None{}, m.use(ctx, in.Token, forVerification, prepare, func(tx *gorm.DB, user models.User) error {
		user.EmailVerified = true
		if err := accounts.Save(tx, &user); err != nil {
			return err
		}
		return m.accounts.Tell(tx, accounts.Event{Kind: accounts.EmailVerified, User: user})
	})
}
