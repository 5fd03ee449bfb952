// Package handlers is what each route does, one file a resource.
package handlers

import (
	"context"
	"time"

	"example.com/latchkey/accounts"
	"example.com/latchkey/auth"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Account is how somebody becomes a user, and signs in.
type Account struct {
	Accounts accounts.Accounts
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

// CheckNew gives the rules that the password of a new user breaks.
func (a Account) CheckNew(in accounts.NewUser) []problem.FieldError {
	return a.Accounts.Auth.Passwords.Check("password", in.Password)
}

// Register makes a user.
func (a Account) Register(ctx context.Context, in accounts.NewUser) (models.User, error) {
	return a.Accounts.Create(ctx, in)
}

// Login begins a session.
func (a Account) Login(ctx context.Context, in Credentials) (Token, error) {
	session, err := a.Accounts.Login(ctx, in.Email, in.Password)
	if err != nil {
		return Token{}, err
	}
	return a.pair(session)
}

// Refresh gives the session's next pair of tokens for its refresh token.
func (a Account) Refresh(ctx context.Context, in Refresh) (Token, error) {
	session, err := a.Accounts.Auth.Sessions.Refresh(ctx, in.RefreshToken)
	if err != nil {
		return Token{}, err
	}
	return a.pair(session)
}

func (a Account) pair(session models.Session) (Token, error) {
	access, err := a.Accounts.Auth.Tokens.Issue(session.UserID, session.ID)
	return Token{
		AccessToken:      access,
		TokenType:        "Bearer",
		ExpiresIn:        int(a.Accounts.Auth.Tokens.TTL().Seconds()),
		RefreshToken:     a.Accounts.Auth.Sessions.RefreshToken(session),
		RefreshExpiresIn: int(time.Until(session.ExpiresAt).Round(time.Second).Seconds()),
	}, err
}
