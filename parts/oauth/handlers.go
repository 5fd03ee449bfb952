package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/handlers"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/totp"
	"example.com/latchkey/models"
)

// OAuth serves standard OAuth2 clients. Clients are public: a client_id and a
// client_secret are ignored (RFC 6749, section 2.1).
type OAuth struct {
	account  handlers.Account
	settings config.Settings
}

// Grant is a token request (RFC 6749, sections 4.1.3, 4.3.2 and 6; RFC 7636, section 4.5).
// The service has no scopes, so it ignores a requested scope (section 3.3).
type Grant struct {
	GrantType    string            `formData:"grant_type" example:"password"`
	Username     models.Email      `formData:"username"`
	Password     password.Password `formData:"password"`
	OTP          totp.Code         `formData:"otp"`
	RefreshToken string            `formData:"refresh_token"`
	Code         string            `formData:"code" example:""`
	CodeVerifier string            `formData:"code_verifier" example:""`
	RedirectURI  string            `formData:"redirect_uri" example:""`
}

// Revocation is a revocation request (RFC 7009, section 2.1). The kind of token is
// known from the token itself, so token_type_hint is ignored.
type Revocation struct {
	Token string `formData:"token" binding:"required"`
}

// unknownGrant is the error of an unknown grant_type (RFC 6749, section 5.2).
func (o OAuth) unknownGrant() *problem.Problem {
	known := "grant_type is password or refresh_token"
	for _, grant := range o.account.Accounts.Grants {
		known += " or " + grant.Type
	}
	return oauthError(problem.MalformedBody.Detailed("%s", known), "unsupported_grant_type")
}

// Token returns tokens for a password, a refresh token, or what another part takes.
func (o OAuth) Token(ctx context.Context, in Grant) (handlers.Token, error) {
	switch {
	case in.GrantType == "password" && in.Username != "" && in.Password != "":
		return o.account.Login(ctx, accounts.Credentials{Email: in.Username, Password: in.Password, OTP: in.OTP})
	case in.GrantType == "password":
		return handlers.Token{}, problem.MalformedBody.Detailed("grant_type=password needs username and password")
	case in.GrantType == "refresh_token" && in.RefreshToken != "":
		return o.account.Refresh(ctx, handlers.Refresh{RefreshToken: in.RefreshToken})
	case in.GrantType == "refresh_token":
		return handlers.Token{}, problem.MalformedBody.Detailed("grant_type=refresh_token needs refresh_token")
	case in.GrantType == "":
		return handlers.Token{}, problem.MalformedBody.Detailed("grant_type is missing")
	}
	for _, grant := range o.account.Accounts.Grants {
		if grant.Type == in.GrantType {
			session, err := grant.Login(ctx, o.account.Accounts, accounts.Code{Code: in.Code, Verifier: in.CodeVerifier, RedirectURI: in.RedirectURI, OTP: in.OTP})
			if err != nil {
				return handlers.Token{}, err
			}
			return o.account.Answer(ctx, session, nil)
		}
	}
	return handlers.Token{}, o.unknownGrant()
}

// Metadata lists the OAuth2 endpoints for clients (RFC 8414, section 2).
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

// Metadata describes the service. It is not_found if the issuer is not a URL.
func (o OAuth) Metadata(_ context.Context, _ endpoint.None) (Metadata, error) {
	issuer, err := url.Parse(o.settings.JWT.Issuer)
	if err != nil || issuer.Host == "" || issuer.Scheme != "https" && issuer.Scheme != "http" {
		return Metadata{}, problem.NotFound
	}
	at := strings.TrimSuffix(cmp.Or(o.settings.Server.PublicURL, issuer.Scheme+"://"+issuer.Host), "/") + o.settings.Server.BasePath
	return Metadata{
		Issuer:         o.settings.JWT.Issuer,
		Token:          at + "/token",
		Revocation:     at + "/revoke",
		JWKS:           at + "/.well-known/jwks.json",
		Grants:         []string{"password", "refresh_token"},
		Responses:      []string{},
		TokenAuth:      []string{"none"},
		RevocationAuth: []string{"none"},
	}, nil
}

// Revoke ends the session of a token. An unknown token is not an error (RFC 7009,
// section 2.2).
func (o OAuth) Revoke(ctx context.Context, in Revocation) (endpoint.None, error) {
	id, err := o.sessionID(in.Token)
	if err != nil {
		return endpoint.None{}, nil
	}
	var session models.Session
	found := o.account.Accounts.DB.WithContext(ctx).Limit(1).Find(&session, "id = ?", id)
	if found.Error != nil {
		return endpoint.None{}, found.Error
	}
	return endpoint.None{}, o.account.Accounts.Logout(ctx, session.UserID, id)
}

func (o OAuth) sessionID(token string) (uuid.UUID, error) {
	if id, err := o.account.Accounts.Auth.Sessions.IDFromRefreshToken(token); err == nil {
		return id, nil
	}
	claims, err := o.account.Accounts.Auth.Tokens.Verify(token)
	return claims.Session, err
}

// OAuthProblem is an error answer of OAuth2 (RFC 6749, section 5.2).
type OAuthProblem struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func oauthError(p *problem.Problem, code string) *problem.Problem {
	return p.WithBody(http.StatusBadRequest, code, "application/json", OAuthProblem{code, p.Describe()})
}

// mapError converts the errors that a client causes to those of RFC 6749,
// section 5.2.
func mapError(err error) error {
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
