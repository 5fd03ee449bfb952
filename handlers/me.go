package handlers

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/auth"
	"example.com/latchkey/endpoint"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Me is the current user's own account.
type Me struct {
	DB   *gorm.DB
	Auth auth.Services
}

// NewEmail moves an account to another address.
type NewEmail struct {
	Email           models.Email  `json:"email" binding:"required,email,max=254"`
	CurrentPassword auth.Password `json:"current_password" binding:"required"`
}

// NewPassword replaces a password.
type NewPassword struct {
	CurrentPassword auth.Password `json:"current_password" binding:"required"`
	NewPassword     auth.Password `json:"new_password" binding:"required"`
}

// Farewell deletes an account.
type Farewell struct {
	CurrentPassword auth.Password `json:"current_password" binding:"required"`
}

// Show gives the current user.
func (Me) Show(_ context.Context, user models.User, _ endpoint.None) (models.User, error) {
	return user, nil
}

// Update changes the email, which nobody has verified then.
func (m Me) Update(ctx context.Context, user models.User, in NewEmail) (models.User, error) {
	err := m.withPassword(ctx, user, in.CurrentPassword, nil, func(tx *gorm.DB, now models.User) error {
		user = now
		user.Email, user.EmailVerified = in.Email, false
		return tx.Model(&user).Select("email", "email_verified").Updates(user).Error
	})
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		err = problem.EmailTaken
	}
	return user, err
}

// Delete deletes the account with all that is its own, and frees the email.
func (m Me) Delete(ctx context.Context, user models.User, in Farewell) (endpoint.None, error) {
	purge := func(ctx context.Context) error { return m.Auth.Sessions.PurgeUser(ctx, user.ID, auth.SessionFrom(ctx)) }
	return endpoint.None{}, m.withPassword(ctx, user, in.CurrentPassword, purge, func(tx *gorm.DB, user models.User) error {
		return auth.KeepAnAdmin(tx, func() error { return tx.Delete(&user).Error })
	})
}

// ChangePassword replaces the password, and ends every session but this one.
func (m Me) ChangePassword(ctx context.Context, user models.User, in NewPassword) (endpoint.None, error) {
	var hash string
	hashNew := func(ctx context.Context) (err error) {
		hash, err = m.Auth.Passwords.Hash(ctx, "new_password", in.NewPassword)
		return err
	}
	return endpoint.None{}, m.withPassword(ctx, user, in.CurrentPassword, hashNew, func(tx *gorm.DB, user models.User) error {
		return setHash(tx, user, hash, auth.SessionFrom(ctx))
	})
}

// SetPassword gives a user a new password and ends every session.
func (m Me) SetPassword(ctx context.Context, user models.User, password auth.Password) error {
	hash, err := m.Auth.Passwords.Hash(ctx, "password", password)
	if err != nil {
		return err
	}
	return m.Auth.Sessions.ChangeUser(ctx, user.ID, func(tx *gorm.DB, user models.User) error {
		return setHash(tx, user, hash, uuid.Nil)
	})
}

// setHash ends every session but the one kept.
func setHash(tx *gorm.DB, user models.User, hash string, kept uuid.UUID) error {
	if err := tx.Model(&user).Update("password_hash", hash).Error; err != nil {
		return err
	}
	_, err := auth.Revoke(tx, user.ID, models.ByPassword, "id <> ?", kept)
	return err
}

// withPassword asks for the current password once more before a change that
// cannot be undone, and makes it only while that password and the current
// session are still good.
func (m Me) withPassword(ctx context.Context, user models.User, password auth.Password, prepare func(context.Context) error, change func(*gorm.DB, models.User) error) error {
	check := auth.PasswordCheck{
		User:     func(db *gorm.DB) *gorm.DB { return auth.WithLiveSession(db, user.ID, auth.SessionFrom(ctx)) },
		Password: password,
		Wrong:    problem.Field("current_password", "is not right"),
		Gone:     auth.ErrTokenRevoked,
		Prepare:  prepare,
	}
	return m.Auth.WithPassword(ctx, check, func(tx *gorm.DB, now models.User) error {
		if err := auth.RequireLive(tx, user.ID, auth.SessionFrom(ctx)); err != nil {
			return err
		}
		return change(tx, now)
	})
}
