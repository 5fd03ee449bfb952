// Package accounts creates, changes and deletes users, for the API and the command
// line. Each change is one transaction, and takes effect at once. The context has the
// current user and session (auth.UserFrom, auth.SessionFrom), or none.
package accounts

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"example.com/latchkey/auth"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Accounts changes the users of a database.
type Accounts struct {
	DB   *gorm.DB
	Auth auth.Services
}

// NewUser is the input for a new user.
type NewUser struct {
	Email    models.Email  `json:"email" binding:"required,email,max=254"`
	Password auth.Password `json:"password" binding:"required"`
	Name     *string       `json:"name" binding:"omitempty,max=100"`
}

// Create creates a user. The error is validation_failed on password, email_taken or
// overloaded.
func (a Accounts) Create(ctx context.Context, in NewUser) (models.User, error) {
	hash, err := a.Auth.Passwords.Hash(ctx, "password", in.Password)
	if err != nil {
		return models.User{}, err
	}
	user := models.User{Email: in.Email, PasswordHash: hash, Name: in.Name, Role: models.RoleUser}
	return user, emailTaken(a.DB.WithContext(ctx).Create(&user).Error)
}

// Login begins a session if email and password are right. An unknown email takes as
// long as a wrong password, and has the same error. The error is login_failed,
// forbidden for a disabled user, or overloaded.
func (a Accounts) Login(ctx context.Context, email models.Email, password auth.Password) (session models.Session, err error) {
	check := passwordCheck{
		user:     func(db *gorm.DB) *gorm.DB { return db.Where("email = ?", email) },
		password: password,
		wrong:    problem.LoginFailed,
		notFound: problem.LoginFailed,
	}
	err = a.withPassword(ctx, check, func(tx *gorm.DB, user models.User) (err error) {
		if user.Disabled {
			return problem.Forbidden.Detailed("Account disabled")
		}
		session, err = a.Auth.Sessions.Start(tx, user.ID, auth.ClientFrom(ctx))
		return err
	})
	return session, err
}

func emailTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return problem.EmailTaken
	}
	return err
}
