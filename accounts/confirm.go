package accounts

import (
	"context"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/kit/totp"
	"example.com/latchkey/models"
)

// Confirmation is the proof that a signed-in user is still the one who logged in: the
// password, if there is one, and what the second factors ask for.
type Confirmation struct {
	CurrentPassword password.Password `json:"current_password"`
	OTP             totp.Code         `json:"otp"`
}

// confirmedFor is how long after a login a user without a password needs no other
// confirmation.
const confirmedFor = 15 * time.Minute

// The errors of a confirmation, besides those of the second factors.
var (
	errPasswordMissing = problem.Field("current_password", "is needed to confirm this")
	errLogInAgain      = problem.Forbidden.Detailed("Log in again")
)

// Confirm runs change as Accounts.WithUser does, if the user of a login has confirmed it and
// the session of the login has not ended. prepare may be nil; it does what takes long,
// before the transaction. The error is validation_failed on current_password or otp,
// forbidden if a user without a password must log in again, token_revoked,
// too_many_attempts or overloaded.
func (a Accounts) Confirm(ctx context.Context, login Login, by Confirmation, prepare func() error, change func(tx *gorm.DB, user models.User) error) error {
	check := passwordCheck{
		email:    login.User.Email,
		user:     func(db *gorm.DB) *gorm.DB { return withLiveSession(db, login) },
		password: by.CurrentPassword,
		wrong:    problem.Field("current_password", "is not right"),
		notFound: token.ErrRevoked,
		prepare:  prepare,
		without: func(ctx context.Context, user models.User) error {
			if user.PasswordHash != "" {
				return errPasswordMissing
			}
			return a.requireRecent(ctx, login)
		},
	}
	return a.withPassword(ctx, check, func(tx *gorm.DB, now models.User) error {
		if err := RequireLive(tx, login); err != nil {
			return err
		}
		if err := a.checkFactors(tx, now, Factors{OTP: by.OTP}); err != nil {
			return err
		}
		return change(tx, now)
	})
}

// requireRecent returns forbidden unless the session of a login began a short time ago.
func (a Accounts) requireRecent(ctx context.Context, login Login) error {
	// A session that begins later than now is of a clock that was ahead, or still is a little.
	db, now := a.DB.WithContext(ctx), a.DB.NowFunc()
	found := db.Select("id").Limit(1).Find(&models.Session{}, "id = ? AND created_at > ? AND created_at < ?", login.SessionID, now.Add(-confirmedFor), now.Add(confirmedFor))
	if found.Error == nil && found.RowsAffected == 0 {
		return errLogInAgain
	}
	return found.Error
}
