// Package oauth is the part for standard OAuth2 clients (RFC 6749, 7009 and 8414).
package oauth

import (
	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/handlers"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// Part returns the part.
func Part() app.Part {
	return app.Part{
		Name:      "oauth",
		Public:    []string{"POST /token", "POST /revoke", "GET /.well-known/oauth-authorization-server"},
		HandedOut: []string{"Metadata.token_endpoint", "Metadata.token_endpoint_auth_methods_supported"},
		// Its URL is relative to the document, as Swagger UI reads it.
		Schemes: map[string]app.Scheme{"by_password": {Describe: map[string]any{
			"type":        "oauth2",
			"description": "The username is your email.",
			"flows":       map[string]any{"password": map[string]any{"tokenUrl": "token", "refreshUrl": "token", "scopes": map[string]any{}}},
		}}},
		New: func(a app.App) app.Running {
			return app.Running{Routes: func(users accounts.Accounts) []endpoint.Route { return routes(a, users) }}
		},
	}
}

func routes(a app.App, users accounts.Accounts) []endpoint.Route {
	oauth := OAuth{account: handlers.Account{Accounts: users}, settings: a.Settings}
	return []endpoint.Route{
		endpoint.Public("POST", "/token", "Get tokens, as OAuth2 clients do", oauth.Token).MapErrors(mapError).
			Errors(accounts.ErrLoginFailed, problem.TooManyAttempts, problem.Overloaded, problem.Unavailable, oauth.unknownGrant()),
		endpoint.Public("POST", "/revoke", "Revoke a token, as OAuth2 clients do", oauth.Revoke).MapErrors(mapError).Status(200).Errors(problem.Unavailable),
		endpoint.Public("GET", "/.well-known/oauth-authorization-server", "The endpoints for OAuth2 clients", oauth.Metadata).TagText("Tokens for OAuth2 clients (RFC 6749, RFC 7009, RFC 8414).").Errors(problem.NotFound),
	}
}
