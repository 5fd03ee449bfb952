// Package handlers is what each route does, one file a resource.
package handlers

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/auth"
	"example.com/latchkey/endpoint"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Account is how somebody becomes a user, and signs in.
type Account struct {
	DB   *gorm.DB
	Auth auth.Services
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

// Refresh is what asks for the next pair of tokens.
type Refresh struct {
	RefreshToken string `json:"refresh_token" binding:"required"`
}

// Token is the answer to a login (RFC 6749, section 5.1). What is left of each
// token's life is in seconds.
type Token struct {
	AccessToken      string `json:"access_token"`
	TokenType        string `json:"token_type"`
	ExpiresIn        int    `json:"expires_in"`
	RefreshToken     string `json:"refresh_token"`
	RefreshExpiresIn int    `json:"refresh_expires_in"`
}

// Register makes a user.
func (a Account) Register(ctx context.Context, in NewUser) (models.User, error) {
	hash, err := a.Auth.Passwords.Hash(ctx, "password", in.Password)
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

// Login begins a session for the right email and password. An unknown email
// takes as long as a wrong password, and is answered alike.
func (a Account) Login(ctx context.Context, in Credentials) (Token, error) {
	var session models.Session
	client := endpoint.Gin(ctx)
	check := auth.PasswordCheck{
		User:     func(db *gorm.DB) *gorm.DB { return db.Where("email = ?", in.Email) },
		Password: in.Password,
		Wrong:    problem.LoginFailed,
		Gone:     problem.LoginFailed,
	}
	err := a.Auth.WithPassword(ctx, check, func(tx *gorm.DB, user models.User) (err error) {
		if user.Disabled {
			return problem.Forbidden.Detailed("Account disabled")
		}
		session, err = a.Auth.Sessions.Start(tx, user, client.ClientIP(), cut(client.Request.UserAgent()))
		return err
	})
	if err != nil {
		return Token{}, err
	}
	return a.pair(session)
}

// Refresh gives the session's next pair of tokens for its refresh token.
func (a Account) Refresh(ctx context.Context, in Refresh) (Token, error) {
	session, err := a.Auth.Sessions.Refresh(ctx, in.RefreshToken)
	if err != nil {
		return Token{}, err
	}
	return a.pair(session)
}

func (a Account) pair(session models.Session) (Token, error) {
	access, err := a.Auth.Tokens.Issue(session.UserID, session.ID)
	return Token{
		AccessToken:      access,
		TokenType:        "Bearer",
		ExpiresIn:        int(a.Auth.Tokens.TTL().Seconds()),
		RefreshToken:     a.Auth.Sessions.RefreshToken(session),
		RefreshExpiresIn: int(time.Until(session.ExpiresAt).Round(time.Second).Seconds()),
	}, err
}

// maxUserAgent is what is kept of a User-Agent, in bytes.
const maxUserAgent = 255

func cut(userAgent string) string {
	return strings.ToValidUTF8(userAgent[:min(len(userAgent), maxUserAgent)], "")
}
