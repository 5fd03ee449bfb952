// Package handlers has the functions of the routes, one file for each resource.
package handlers

import (
	"context"
	"net/http"
	"time"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// Account registers users and logs them in.
type Account struct {
	Accounts  accounts.Accounts
	Registers bool // register.open
}

// Refresh is the input of a refresh.
type Refresh struct {
	RefreshToken string `json:"refresh_token" binding:"required"`
}

// Token is the answer to a login or a refresh (RFC 6749, section 5.1). The
// remaining lifetimes are in seconds.
type Token struct {
	AccessToken      string `json:"access_token"`
	TokenType        string `json:"token_type"`
	ExpiresIn        int    `json:"expires_in"`
	RefreshToken     string `json:"refresh_token"`
	RefreshExpiresIn int    `json:"refresh_expires_in"`
}

// Register creates a user.
func (a Account) Register(ctx context.Context, in accounts.NewUser) (models.User, error) {
	if !a.Registers {
		return models.User{}, problem.Forbidden.Detailed("Registration is closed")
	}
	if err := a.Accounts.Auth.Throttle.Request(a.Accounts.DB.WithContext(ctx)); err != nil {
		return models.User{}, err
	}
	return a.Accounts.Create(ctx, in)
}

// Login starts a session.
func (a Account) Login(ctx context.Context, in accounts.Credentials) (Token, error) {
	carrier, err := a.Accounts.CarrierOf(ctx, in.Session)
	if err != nil {
		return Token{}, err
	}
	session, err := a.Accounts.Login(ctx, in)
	if err != nil {
		return Token{}, err
	}
	return a.Answer(ctx, session, carrier)
}

// Refresh returns new tokens of a session for its refresh token.
func (a Account) Refresh(ctx context.Context, in Refresh) (Token, error) {
	session, err := a.Accounts.Refresh(ctx, in.RefreshToken)
	if err != nil {
		return Token{}, err
	}
	return a.Answer(ctx, session, nil)
}

// Answer makes the answer for a session: its tokens or, with a carrier, what that puts into
// the headers, without a body.
func (a Account) Answer(ctx context.Context, session models.Session, carrier *accounts.Carrier) (Token, error) {
	if carrier != nil {
		err := carrier.Carry(ctx, session)
		if err == nil {
			c := endpoint.Context(ctx)
			c.Status(http.StatusNoContent)
			c.Writer.WriteHeaderNow() // so that no other answer follows
		}
		return Token{}, err
	}
	claims, err := a.Accounts.ClaimsOf(ctx, session)
	if err != nil {
		return Token{}, err
	}
	access, err := a.Accounts.Auth.Tokens.Issue(claims)
	return Token{
		AccessToken:      access,
		TokenType:        "Bearer",
		ExpiresIn:        int(a.Accounts.Auth.Tokens.TTL().Seconds()),
		RefreshToken:     a.Accounts.Auth.Sessions.RefreshToken(session),
		RefreshExpiresIn: int(time.Until(session.ExpiresAt).Round(time.Second).Seconds()),
	}, err
}
