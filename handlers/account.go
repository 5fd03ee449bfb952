// Package handlers is what each route does, one file a resource.
package handlers

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/auth"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Account is how somebody becomes a user, and signs in.
type Account struct {
	DB        *gorm.DB
	Tokens    *auth.Tokens
	Passwords *auth.Passwords
}

// NewUser is what a registration sends.
type NewUser struct {
	Email    models.Email  `json:"email" binding:"required,email,max=254"`
	Password auth.Password `json:"password" binding:"required"`
}

// Credentials are what a login sends, as JSON or as the OAuth2 password form.
type Credentials struct {
	Email    models.Email  `json:"email" formData:"username" binding:"required"`
	Password auth.Password `json:"password" formData:"password" binding:"required"`
}

// Token is the answer to a login (RFC 6749, section 5.1); ExpiresIn counts seconds.
type Token struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

// Register makes a user.
func (a Account) Register(ctx context.Context, in NewUser) (models.User, error) {
	hash, err := a.Passwords.Hash(ctx, "password", in.Password)
	if err != nil {
		return models.User{}, err
	}
	user := models.User{Email: in.Email, PasswordHash: hash, Role: models.RoleUser}
	err = a.DB.WithContext(ctx).Create(&user).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		err = problem.EmailTaken
	}
	return user, err
}

// Login gives a token for the right email and password.
func (a Account) Login(ctx context.Context, in Credentials) (Token, error) {
	user, err := a.user(ctx, in)
	if err != nil {
		return Token{}, err
	}
	session, err := uuid.NewV7()
	if err != nil {
		return Token{}, err
	}
	access, err := a.Tokens.Issue(user.ID, session)
	return Token{AccessToken: access, TokenType: "Bearer", ExpiresIn: int(a.Tokens.TTL() / time.Second)}, err
}

// user is who the credentials belong to. An unknown email takes as long as a
// wrong password, and is answered alike.
func (a Account) user(ctx context.Context, in Credentials) (user models.User, err error) {
	db := a.DB.WithContext(ctx)
	err = db.Take(&user, "email = ?", in.Email).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return user, err
	}
	right, err := a.Passwords.Verify(ctx, user.PasswordHash, in.Password)
	switch {
	case err != nil:
		return user, err
	case !right:
		return user, problem.LoginFailed
	case user.Disabled:
		return user, problem.Forbidden.Detailed("Account disabled")
	case !a.Passwords.Outdated(user.PasswordHash):
		return user, nil
	}
	hash, err := a.Passwords.Rehash(ctx, in.Password)
	if err != nil {
		return user, err
	}
	// Only over the hash just verified: a password changed meanwhile stays.
	return user, db.Model(&user).Where("password_hash = ?", user.PasswordHash).Update("password_hash", hash).Error
}
