// Package totp is the part of one-time codes, the second factor of a login.
package totp

import (
	"context"
	"embed"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/spf13/cobra"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/seal"
)

//go:embed mails
var files embed.FS

// Part returns the part.
func Part() app.Part {
	texts, _ := fs.Sub(files, "mails") // the name is valid
	return app.Part{
		Name:        "totp",
		Migrations:  []*gormigrate.Migration{createTOTP},
		Kinds:       []accounts.Kind{enabled, disabled, recoveryCodeUsed, failed},
		Texts:       texts,
		HandedOut:   []string{"TOTPSecret.secret"},
		LoginErrors: []*problem.Problem{errRequired},
		Commands:    func(line app.CommandLine) []*cobra.Command { return []*cobra.Command{userCommand(line)} },
		New:         start,
	}
}

func start(a app.App) app.Running {
	codes := TOTP{keys: seal.Derive(a.Settings.JWT.Secrets(), "one-time code"), service: service(a.Settings.JWT.Issuer)}
	return app.Running{
		Extension: accounts.Extension{
			Hooks:         []accounts.Hook{endUnproved},
			SecondFactors: []accounts.SecondFactor{codes.check},
		},
		// After a change of jwt.secret.
		Jobs: []jobs.Handler{jobs.Periodic("encrypt one-time codes", jobs.Every(time.Hour), func(ctx context.Context) error { return codes.renew(ctx, a.DB) })},
		Routes: func(users accounts.Accounts) []endpoint.Route {
			totp := codes
			totp.accounts = users
			return []endpoint.Route{
				app.WithLogin("POST", "/me/totp", "Set one-time codes up", totp.SetUp).TagText("A second factor: one-time codes of an app, and recovery codes.").Errors(problem.AlreadyExists, problem.TooManyAttempts, problem.Overloaded),
				app.WithLogin("POST", "/me/totp/confirm", "Turn one-time codes on, and get recovery codes", totp.Confirm).Errors(problem.AlreadyExists, problem.TooManyAttempts),
				app.WithLogin("POST", "/me/totp/delete", "Turn one-time codes off", totp.TurnOff).Errors(problem.TooManyAttempts, problem.Overloaded),
			}
		},
	}
}

// service is the name of the service in authenticator apps.
func service(issuer string) string {
	if at, err := url.Parse(issuer); err == nil && at.Host != "" {
		issuer = at.Hostname()
	}
	return strings.ReplaceAll(issuer, ":", " ")
}
