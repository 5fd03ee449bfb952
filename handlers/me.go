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
	if err := m.confirm(ctx, user, in.CurrentPassword); err != nil {
		return user, err
	}
	user.Email, user.EmailVerified = in.Email, false
	err := m.Auth.Sessions.ChangeUser(ctx, user.ID, func(tx *gorm.DB) error {
		return tx.Model(&user).Select("email", "email_verified").Updates(user).Error
	})
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		err = problem.EmailTaken
	}
	return user, err
}

// Delete deletes the account with all that is its own, and frees the email.
func (m Me) Delete(ctx context.Context, user models.User, in Farewell) (endpoint.None, error) {
	if err := m.confirm(ctx, user, in.CurrentPassword); err != nil {
		return endpoint.None{}, err
	}
	return endpoint.None{}, m.Auth.Sessions.ChangeUser(ctx, user.ID, func(tx *gorm.DB) error {
		return tx.Delete(&user).Error
	})
}

// ChangePassword replaces the password, and ends every session but this one.
func (m Me) ChangePassword(ctx context.Context, user models.User, in NewPassword) (endpoint.None, error) {
	if err := m.confirm(ctx, user, in.CurrentPassword); err != nil {
		return endpoint.None{}, err
	}
	return endpoint.None{}, m.SetPassword(ctx, user, "new_password", in.NewPassword, auth.SessionFrom(ctx))
}

// SetPassword gives a user a new password, called field where it breaks a
// rule, and ends every session but the one kept.
func (m Me) SetPassword(ctx context.Context, user models.User, field string, password auth.Password, kept uuid.UUID) error {
	hash, err := m.Auth.Passwords.Hash(ctx, field, password)
	if err != nil {
		return err
	}
	return m.Auth.Sessions.ChangeUser(ctx, user.ID, func(tx *gorm.DB) error {
		if err := tx.Model(&user).Update("password_hash", hash).Error; err != nil {
			return err
		}
		_, err := auth.Revoke(tx, user.ID, models.ByPassword, "id <> ?", kept)
		return err
	})
}

// confirm asks for the current password once more before what cannot be undone.
func (m Me) confirm(ctx context.Context, user models.User, password auth.Password) error {
	// The current user comes without the hash.
	if err := m.DB.WithContext(ctx).Select("password_hash").Take(&user).Error; err != nil {
		return err
	}
	right, err := m.Auth.Passwords.Verify(ctx, user.PasswordHash, password)
	if err == nil && !right {
		err = problem.Field("current_password", "is not right")
	}
	return err
}
