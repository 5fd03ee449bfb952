package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// purpose is what a link is for. state is what its use changes, so that it works once.
type purpose struct {
	name  string
	state func(models.User) string
}

var (
	forReset        = purpose{"reset", func(u models.User) string { return addressState(u) + "\n" + u.PasswordHash }}
	forVerification = purpose{"verify", func(u models.User) string { return fmt.Sprintf("%s\n%t", addressState(u), u.EmailVerified) }}
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

// errBadToken is the error of a link's token that does not work.
var errBadToken = problem.Field("token", "is not valid: it has expired, was used, or is not complete")

// link returns the URL of a page with a new token.
func (m Mails) link(page string, user models.User, use purpose, ttl time.Duration) string {
	token := m.Links.Token(user.ID, m.DB.NowFunc().Add(ttl), use.name, use.state(user))
	separator := "?"
	if strings.Contains(page, "?") {
		separator = "&"
	}
	return page + separator + "token=" + url.QueryEscape(token)
}

// check returns validation_failed on token unless a user may use a link.
func (m Mails) check(link Link, user models.User, use purpose) error {
	if user.Disabled || !m.Links.Check(link, m.DB.NowFunc(), use.name, use.state(user)) {
		return errBadToken
	}
	return nil
}

// use uses a link: prepare does what takes long, and change is run as Accounts.change
// does. Both are run only if the link is valid at that moment.
func (m Mails) use(ctx context.Context, a Accounts, token string, use purpose, prepare func(user models.User) error, change func(tx *gorm.DB, user models.User) error) error {
	link, ok := m.Links.Parse(token)
	if !ok {
		return errBadToken
	}
	var user models.User
	if err := m.DB.WithContext(ctx).Limit(1).Find(&user, "id = ?", link.UserID).Error; err != nil {
		return err
	}
	if err := m.check(link, user, use); err != nil {
		return err
	}
	if err := prepare(user); err != nil {
		return err
	}
	err := a.change(ctx, link.UserID, func(tx *gorm.DB, user models.User) error {
		if err := m.check(link, user, use); err != nil {
			return err
		}
		return change(tx, user)
	})
	if errors.Is(err, problem.NotFound) {
		return errBadToken
	}
	return err
}

// Reset sets the password of the user of a link, and ends every session. The mail has
// reached the user, so the email is verified too, and the user can log in from the
// current network even if others guess the password. The mail no longer counts, so that
// the owner can ask for the next one. The error is validation_failed on token or
// password, or overloaded.
func (m Mails) Reset(ctx context.Context, a Accounts, token string, typed password.Password) error {
	var hash string
	prepare := func(user models.User) (err error) {
		hash, err = a.Auth.Passwords.Hash(ctx, "password", typed, notLike(user.Email))
		return err
	}
	return m.use(ctx, a, token, forReset, prepare, func(tx *gorm.DB, user models.User) error {
		event := Event{Kind: PasswordReset, User: user, WasUnverified: !user.EmailVerified}
		event.User.EmailVerified = true
		err := cmp.Or(a.Auth.Throttle.Remember(ctx, tx, string(user.Email)), m.giveBack(tx, user.Email, mailReset))
		if err != nil {
			return err
		}
		return a.setHash(tx, event, hash)
	})
}

// Verify marks the email of the user of a link as verified. The error is
// validation_failed on token.
func (m Mails) Verify(ctx context.Context, a Accounts, token string) error {
	prepare := func(models.User) error { return nil }
	return m.use(ctx, a, token, forVerification, prepare, func(tx *gorm.DB, user models.User) error {
		user.EmailVerified = true
		if err := save(tx, &user); err != nil {
			return err
		}
		return a.call(tx, Event{Kind: EmailVerified, User: user})
	})
}
