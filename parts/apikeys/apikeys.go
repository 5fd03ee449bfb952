// Package apikeys is the part of API keys, with which programs act for their users.
package apikeys

import (
	"context"
	"embed"
	"io/fs"

	"github.com/go-gormigrate/gormigrate/v2"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

//go:embed mails
var files embed.FS

// Part returns the part.
func Part() app.Part {
	texts, _ := fs.Sub(files, "mails") // the name is valid
	return app.Part{
		Name:       "apikeys",
		Migrations: []*gormigrate.Migration{createAPIKeys},
		Kinds:      []accounts.Kind{created, deleted},
		Texts:      texts,
		Schemes: map[string]app.Scheme{"key": {IsNotLogin: true, Describe: map[string]any{
			"type":        "http",
			"scheme":      "bearer",
			"description": "An API key, which begins with " + Prefix + ". One with the scope read makes GET and HEAD requests.",
		}}},
		New: start,
	}
}

func start(a app.App) app.Running {
	keys := newAuthenticator(a.DB, a.Auth.Sessions, a.Settings.JWT)
	return app.Running{
		Extension: accounts.Extension{Hooks: []accounts.Hook{endAll}, Authenticators: []accounts.Authenticator{keys.identify}},
		Serve:     func(context.Context, app.Program) (app.Background, error) { return keys.storeUses, nil },
		Routes: func(users accounts.Accounts) []endpoint.Route {
			keys := APIKeys{users}
			return []endpoint.Route{
				app.WithLogin("GET", "/keys", "List my API keys", keys.Index).TagText("Keys with which programs call the API for a user."),
				app.WithLogin("POST", "/keys", "Make an API key", keys.Create).Status(201).Errors(errTooMany, problem.TooManyAttempts, problem.Overloaded),
				app.WithLogin("DELETE", "/keys/:id", "Delete an API key", keys.Delete),
			}
		},
	}
}
