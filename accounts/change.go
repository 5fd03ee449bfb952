package accounts

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/kit/throttle"
	"example.com/latchkey/models"
)

// Profile is what users can change of themselves without their password. A nil field
// does not change; a pointer to nil sets null.
type Profile struct {
	Name **string `json:"name" binding:"omitempty,max=100"`
}

// ChangeProfile changes the current user. The error is token_revoked if the user is
// deleted.
func (a Accounts) ChangeProfile(ctx context.Context, to Profile) (user models.User, err error) {
	current, _ := UserFrom(ctx)
	err = a.WithUser(ctx, current.ID, func(tx *gorm.DB, now models.User) error {
		user = now
		rows.Set(&user.Name, to.Name)
		if err := Save(tx, &user); err != nil {
			return err
		}
		return a.changed(tx, now, user)
	})
	return user, RevokedIfGone(err)
}

// Change is what an admin or the command line can change of a user. A nil field does
// not change.
type Change struct {
	Name     **string
	Role     *models.Role
	Disabled *bool
}

// Change changes a user. The sessions of a disabled user end, and do not come back
// when the user is enabled. The error is not_found or last_admin.
func (a Accounts) Change(ctx context.Context, id uuid.UUID, to Change) (user models.User, err error) {
	err = a.WithUser(ctx, id, func(tx *gorm.DB, now models.User) error {
		user = now
		rows.Set(&user.Name, to.Name)
		rows.Set(&user.Role, to.Role)
		rows.Set(&user.Disabled, to.Disabled)
		if to.Disabled != nil && !*to.Disabled {
			if err := a.Auth.Throttle.Clear(tx, string(user.Email), throttle.Password); err != nil {
				return err
			}
		}
		if user.Disabled {
			if _, err := revoke(tx, user.ID, models.ByAdmin); err != nil {
				return err
			}
		}
		write := func() error { return Save(tx, &user) }
		if to.Role == nil && to.Disabled == nil {
			err = write()
		} else {
			err = keepAnAdmin(tx, write)
		}
		if err != nil {
			return err
		}
		return a.changed(tx, now, user)
	})
	return user, err
}

// ChangeEmail changes the email of a logged-in user, which is then not verified. The
// error is one of Confirm, or email_taken.
func (a Accounts) ChangeEmail(ctx context.Context, login Login, by Confirmation, email models.Email) (user models.User, err error) {
	err = a.Confirm(ctx, login, by, nil, func(tx *gorm.DB, now models.User) error {
		user = now
		user.Email, user.EmailVerified = email, false
		user.EmailChanges++ // so that the links of before do not work when it is changed back
		if err := Save(tx, &user); err != nil {
			return emailTaken(err)
		}
		details := map[string]any{"email": fromTo{now.Email, user.Email}}
		return a.Tell(tx, Event{Kind: EmailChanged, User: user, OldEmail: now.Email, Details: details})
	})
	return user, err
}

// ChangePassword changes the password of a logged-in user, and ends every session except
// that of the login. The error is one of Confirm, or validation_failed on new_password.
func (a Accounts) ChangePassword(ctx context.Context, login Login, by Confirmation, newPassword password.Password) error {
	var hash string
	prepare := func() (err error) {
		hash, err = a.Hash(ctx, "new_password", newPassword, login.User.Email)
		return err
	}
	return a.Confirm(ctx, login, by, prepare, func(tx *gorm.DB, user models.User) error {
		return a.SetHash(tx, Event{Kind: PasswordChanged, User: user}, hash, "id <> ?", login.SessionID)
	})
}

// SetPassword sets the password of a user, and ends every session. The error is
// validation_failed on password, not_found or overloaded.
func (a Accounts) SetPassword(ctx context.Context, user models.User, newPassword password.Password) error {
	hash, err := a.Hash(ctx, "password", newPassword, user.Email)
	if err != nil {
		return err
	}
	return a.WithUser(ctx, user.ID, func(tx *gorm.DB, user models.User) error {
		return a.SetHash(tx, Event{Kind: PasswordChanged, User: user}, hash)
	})
}

// SetHash saves the user of an event with a new password, ends the user's sessions that
// meet the conditions, clears the failures to log in, and calls the hooks.
func (a Accounts) SetHash(tx *gorm.DB, event Event, hash string, conditions ...any) error {
	user := &event.User
	user.PasswordHash = hash
	if err := Save(tx, user); err != nil {
		return err
	}
	ended, err := revoke(tx, user.ID, models.ByPassword, conditions...)
	if err != nil {
		return err
	}
	if event.Kind == PasswordReset {
		event.Details = map[string]any{"sessions": ended} // the hooks add what else they end
	}
	if err := a.Auth.Throttle.Clear(tx, string(user.Email), throttle.Password); err != nil {
		return err
	}
	return a.Tell(tx, event)
}

// Delete deletes a logged-in user and everything the user owns. The email can then be
// registered again. The error is one of Confirm, or last_admin.
func (a Accounts) Delete(ctx context.Context, login Login, by Confirmation) error {
	prepare := func() error { // so that the transaction is short, and other writers do not wait
		return a.Auth.Sessions.PurgeUser(ctx, login.User.ID, login.SessionID)
	}
	return a.Confirm(ctx, login, by, prepare, a.delete)
}

// DeleteUser is Delete for any user, without a password. The error is not_found or
// last_admin.
func (a Accounts) DeleteUser(ctx context.Context, id uuid.UUID) error {
	if err := a.Auth.Sessions.PurgeUser(ctx, id, uuid.Nil); err != nil {
		return err
	}
	return a.WithUser(ctx, id, a.delete)
}

func (a Accounts) delete(tx *gorm.DB, user models.User) error {
	if err := keepAnAdmin(tx, func() error { return tx.Delete(&user).Error }); err != nil {
		return err
	}
	return a.Tell(tx, Event{Kind: UserDeleted, User: user, Details: map[string]any{"email": user.Email}})
}
