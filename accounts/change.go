package accounts

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/auth"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Profile is what users change of themselves without a password: nil for what
// stays, and a pointer to nil for what becomes null.
type Profile struct {
	Name **string `json:"name" binding:"omitempty,max=100"`
}

// ChangeProfile changes the current user. The error is token_revoked.
func (a Accounts) ChangeProfile(ctx context.Context, to Profile) (user models.User, err error) {
	current, _ := auth.UserFrom(ctx)
	err = a.change(ctx, current.ID, func(tx *gorm.DB, now models.User) error {
		user = now
		set(&user.Name, to.Name)
		return save(tx, &user)
	})
	if errors.Is(err, problem.NotFound) {
		err = auth.ErrTokenRevoked
	}
	return user, err
}

// Change is what an admin or the command line may change of a user: nil for
// what stays.
type Change struct {
	Name     **string
	Role     *models.Role
	Disabled *bool
}

// Change changes a user. A disabled user's sessions end, and do not come back.
// The error is not_found or last_admin.
func (a Accounts) Change(ctx context.Context, id uuid.UUID, to Change) (user models.User, err error) {
	err = a.change(ctx, id, func(tx *gorm.DB, now models.User) error {
		user = now
		set(&user.Name, to.Name)
		set(&user.Role, to.Role)
		set(&user.Disabled, to.Disabled)
		if user.Disabled {
			if _, err := auth.Revoke(tx, user.ID, models.ByAdmin); err != nil {
				return err
			}
		}
		if to.Role == nil && to.Disabled == nil {
			return save(tx, &user)
		}
		return keepAnAdmin(tx, func() error { return save(tx, &user) })
	})
	return user, err
}

// ChangeEmail moves the current user to another address, which nobody has
// verified then. The error is validation_failed on current_password,
// token_revoked, email_taken or overloaded.
func (a Accounts) ChangeEmail(ctx context.Context, current auth.Password, email models.Email) (user models.User, err error) {
	err = a.confirmed(ctx, current, nil, func(tx *gorm.DB, now models.User) error {
		user = now
		user.Email, user.EmailVerified = email, false
		return emailTaken(save(tx, &user))
	})
	return user, err
}

// ChangePassword replaces the current user's password, and ends every session
// but the current one. The error is validation_failed on current_password or
// new_password, token_revoked or overloaded.
func (a Accounts) ChangePassword(ctx context.Context, current, fresh auth.Password) error {
	var hash string
	prepare := func() (err error) {
		hash, err = a.Auth.Passwords.Hash(ctx, "new_password", fresh)
		return err
	}
	return a.confirmed(ctx, current, prepare, func(tx *gorm.DB, user models.User) error {
		return setHash(tx, user, hash, auth.SessionFrom(ctx))
	})
}

// SetPassword gives a user a new password and ends every session. The error is
// validation_failed on password, not_found or overloaded.
func (a Accounts) SetPassword(ctx context.Context, id uuid.UUID, fresh auth.Password) error {
	hash, err := a.Auth.Passwords.Hash(ctx, "password", fresh)
	if err != nil {
		return err
	}
	return a.change(ctx, id, func(tx *gorm.DB, user models.User) error { return setHash(tx, user, hash, uuid.Nil) })
}

func setHash(tx *gorm.DB, user models.User, hash string, kept uuid.UUID) error {
	user.PasswordHash = hash
	if err := save(tx, &user); err != nil {
		return err
	}
	_, err := auth.Revoke(tx, user.ID, models.ByPassword, "id <> ?", kept)
	return err
}

// Delete deletes the current user with all that is the user's own, and frees
// the email. The error is validation_failed on current_password, token_revoked,
// last_admin or overloaded.
func (a Accounts) Delete(ctx context.Context, current auth.Password) error {
	prepare := func() error { // so that no long transaction holds up every other writer
		user, _ := auth.UserFrom(ctx)
		return a.Auth.Sessions.PurgeUser(ctx, user.ID, auth.SessionFrom(ctx))
	}
	return a.confirmed(ctx, current, prepare, func(tx *gorm.DB, user models.User) error {
		return keepAnAdmin(tx, func() error { return tx.Delete(&user).Error })
	})
}

// confirmed asks for the current user's password once more before a change,
// and makes it only while that password and the current session are good.
func (a Accounts) confirmed(ctx context.Context, current auth.Password, prepare func() error, change func(tx *gorm.DB, user models.User) error) error {
	user, _ := auth.UserFrom(ctx)
	check := passwordCheck{
		user:     func(db *gorm.DB) *gorm.DB { return auth.WithLiveSession(db, user.ID, auth.SessionFrom(ctx)) },
		password: current,
		wrong:    problem.Field("current_password", "is not right"),
		gone:     auth.ErrTokenRevoked,
		prepare:  prepare,
	}
	return a.withPassword(ctx, check, func(tx *gorm.DB, now models.User) error {
		if err := auth.RequireLive(tx, user.ID, auth.SessionFrom(ctx)); err != nil {
			return err
		}
		return change(tx, now)
	})
}
