package handlers

import (
	"context"
	"errors"
	"net/http"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/auth"
	"example.com/latchkey/endpoint"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// OAuth speaks to ready-made OAuth2 clients. Clients are public: what they
// send to say who they are is ignored (RFC 6749, section 2.1).
type OAuth struct {
	DB      *gorm.DB
	Auth    auth.Services
	Account Account
}

// Grant asks for tokens (RFC 6749, sections 4.3.2 and 6).
type Grant struct {
	GrantType    string        `formData:"grant_type"`
	Username     models.Email  `formData:"username"`
	Password     auth.Password `formData:"password"`
	RefreshToken string        `formData:"refresh_token"`
	Scope        string        `formData:"scope"`
}

// Revocation ends the session of a token of either kind (RFC 7009, section
// 2.1). Which kind it is can be told from the token, so the hint is ignored.
type Revocation struct {
	Token string `formData:"token" binding:"required"`
}

// What OAuth2 has words of its own for.
var (
	NoScopes     = oauthError(problem.MalformedBody.Detailed("This service has no scopes"), "invalid_scope")
	UnknownGrant = oauthError(problem.MalformedBody.Detailed("grant_type is password or refresh_token"), "unsupported_grant_type")
)

// Token gives tokens for a password or a refresh token.
func (o OAuth) Token(ctx context.Context, in Grant) (Token, error) {
	switch {
	case in.Scope != "":
		return Token{}, NoScopes
	case in.GrantType == "password" && in.Username != "" && in.Password != "":
		return o.Account.Login(ctx, Credentials{Email: in.Username, Password: in.Password})
	case in.GrantType == "password":
		return Token{}, problem.MalformedBody.Detailed("grant_type=password needs username and password")
	case in.GrantType == "refresh_token" && in.RefreshToken != "":
		return o.Account.Refresh(ctx, Refresh{RefreshToken: in.RefreshToken})
	case in.GrantType == "refresh_token":
		return Token{}, problem.MalformedBody.Detailed("grant_type=refresh_token needs refresh_token")
	case in.GrantType == "":
		return Token{}, problem.MalformedBody.Detailed("grant_type is missing")
	}
	return Token{}, UnknownGrant
}

// Revoke ends a token's session. A token that is nobody's is no error, for
// either way it is of no more use.
func (o OAuth) Revoke(ctx context.Context, in Revocation) (endpoint.None, error) {
	id, err := o.session(in.Token)
	if err != nil {
		return endpoint.None{}, nil
	}
	var session models.Session
	found := o.DB.WithContext(ctx).Limit(1).Find(&session, "id = ?", id)
	if found.Error != nil {
		return endpoint.None{}, found.Error
	}
	_, err = o.Auth.Sessions.End(ctx, session.UserID, models.ByLogout, "id = ?", id)
	return endpoint.None{}, err
}

func (o OAuth) session(token string) (uuid.UUID, error) {
	if id, err := o.Auth.Sessions.Of(token); err == nil {
		return id, nil
	}
	claims, err := o.Auth.Tokens.Verify(token)
	return claims.SessionID, err
}

// OAuthProblem is an error as an OAuth2 client reads it (RFC 6749, section 5.2).
type OAuthProblem struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func oauthError(p *problem.Problem, code string) *problem.Problem {
	return p.Answered(http.StatusBadRequest, code, "application/json", OAuthProblem{code, p.Describe()})
}

// OAuthError words the errors of a client's own making as RFC 6749, section
// 5.2, does.
func OAuthError(err error) error {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return err
	}
	if own, _ := p.Own(); own != "" {
		return err
	}
	switch p.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return oauthError(p, "invalid_grant")
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return oauthError(p, "invalid_request")
	}
	return err
}
