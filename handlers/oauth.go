package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"

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
	DB       *gorm.DB
	Auth     auth.Services
	Account  Account
	Issuer   string // the service's URL, or any other name
	BasePath string
}

// Grant asks for tokens (RFC 6749, sections 4.3.2 and 6). There are no scopes, so
// one that a client asks for is ignored (section 3.3).
type Grant struct {
	GrantType    string        `formData:"grant_type"`
	Username     models.Email  `formData:"username"`
	Password     auth.Password `formData:"password"`
	RefreshToken string        `formData:"refresh_token"`
}

// Revocation ends the session of a token of either kind (RFC 7009, section
// 2.1). Which kind it is can be told from the token, so the hint is ignored.
type Revocation struct {
	Token string `formData:"token" binding:"required"`
}

// UnknownGrant is a grant_type that OAuth2 has a code of its own for.
var UnknownGrant = oauthError(problem.MalformedBody.Detailed("grant_type is password or refresh_token"), "unsupported_grant_type")

// Token gives tokens for a password or a refresh token.
func (o OAuth) Token(ctx context.Context, in Grant) (Token, error) {
	switch {
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

// Metadata is where a client finds the rest (RFC 8414, section 2).
type Metadata struct {
	Issuer         string   `json:"issuer"`
	Token          string   `json:"token_endpoint"`
	Revocation     string   `json:"revocation_endpoint"`
	JWKS           string   `json:"jwks_uri"`
	Grants         []string `json:"grant_types_supported"`
	Responses      []string `json:"response_types_supported"`
	TokenAuth      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuth []string `json:"revocation_endpoint_auth_methods_supported"`
}

// Metadata describes the service, where the issuer is a URL; else not_found.
func (o OAuth) Metadata(_ context.Context, _ endpoint.None) (Metadata, error) {
	issuer, err := url.Parse(o.Issuer)
	if err != nil || issuer.Host == "" || issuer.Scheme != "https" && issuer.Scheme != "http" {
		return Metadata{}, problem.NotFound
	}
	at := issuer.Scheme + "://" + issuer.Host + o.BasePath
	return Metadata{
		Issuer:         o.Issuer,
		Token:          at + "/token",
		Revocation:     at + "/revoke",
		JWKS:           at + "/.well-known/jwks.json",
		Grants:         []string{"password", "refresh_token"},
		Responses:      []string{},
		TokenAuth:      []string{"none"},
		RevocationAuth: []string{"none"},
	}, nil
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
	if id, err := o.Auth.Sessions.IDFromRefreshToken(token); err == nil {
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
	return p.WithBody(http.StatusBadRequest, code, "application/json", OAuthProblem{code, p.Describe()})
}

// OAuthError words the errors of a client's own making as RFC 6749, section
// 5.2, does.
func OAuthError(err error) error {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return err
	}
	if own, _ := p.Body(); own != "" {
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
