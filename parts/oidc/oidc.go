// Package oidc is the part with which users log in at OpenID Connect providers, such as
// Google.
package oidc

import (
	"context"
	"embed"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/oidc"
	"example.com/latchkey/kit/page"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/server"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/ticket"
)

//go:embed mails pages
var files embed.FS

// The kinds of events.
const identityLinked, identityUnlinked accounts.Kind = "identity_linked", "identity_unlinked"

// The answers of this part.
var (
	errConflict  = &problem.Problem{Status: http.StatusConflict, Code: "identity_conflict", Detail: "An account here has this email: log in to it, and link the provider there"}
	errLastWayIn = &problem.Problem{Status: http.StatusConflict, Code: "last_way_in", Detail: "Without it you could not log in any more: set a password first"}
)

// Settings name the providers, and say where a login there may lead.
type Settings struct {
	Providers    map[string]oidc.Settings `mapstructure:"providers"`
	ReturnTo     []string                 `mapstructure:"return_to"`
	SecondFactor string                   `mapstructure:"second_factor"`
}

// Who asks for a second factor.
const ownFactor, providersFactor = "own", "provider"

// name is what the name of a provider matches, so that it fits into a path and a variable.
var name = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

func check(faults *settings.Faults, of config.Settings, s Settings) {
	f := faults.Section("oidc")
	for _, key := range slices.Sorted(maps.Keys(s.Providers)) {
		s.Providers[key].Check(faults.Section("oidc.providers." + key))
		if !name.MatchString(key) {
			f.Add("providers."+key, "is not a name of lower case letters and digits")
		}
	}
	for _, address := range s.ReturnTo {
		u, err := url.Parse(address) // RFC 8252, section 7
		if err != nil || strings.Contains(address, "#") || !oidc.IsSafe(u) && !strings.Contains(u.Scheme, ".") {
			f.Add("return_to", "%q is not the address of an app: an https URL, an http one of this machine, or one with a scheme such as com.example.app", address)
		}
	}
	if s.SecondFactor != ownFactor && s.SecondFactor != providersFactor {
		f.Add("second_factor", "%q is neither own nor provider", s.SecondFactor)
	}
	if len(s.Providers) > 0 && of.InProduction() && of.Server.PublicURL == "" {
		faults.Add("server.public_url: is empty, and providers send browsers back to it: write the URL by which clients reach the server")
	}
}

// Part returns the part.
func Part() app.Part {
	texts, _ := fs.Sub(files, "mails") // the name is valid
	return app.Part{
		Name:       "oidc",
		Settings:   []config.Section{config.NewSection("oidc", Settings{SecondFactor: ownFactor}, check)},
		Migrations: []*gormigrate.Migration{createIdentities, ticket.CreateUsedTickets},
		Kinds:      []accounts.Kind{identityLinked, identityUnlinked},
		Texts:      texts,
		New:        start,
	}
}

// Logins are the logins at providers.
type Logins struct {
	accounts  accounts.Accounts // with its hooks in a route only
	settings  config.Settings
	own       *Settings
	providers map[string]*oidc.Provider
	tickets   ticket.Tickets[step]
	pages     page.Pages
}

func start(a app.App) app.Running {
	running := app.Running{Extension: accounts.Extension{Hooks: []accounts.Hook{endUnproved}}}
	own := config.Of[Settings](a.Settings)
	if len(own.Providers) == 0 {
		return running
	}
	l := Logins{
		settings:  a.Settings,
		own:       own,
		providers: map[string]*oidc.Provider{},
		tickets:   ticket.Tickets[step]{DB: a.DB, Keys: seal.Derive(a.Settings.JWT.Secrets(), "login at a provider")},
		pages:     page.Parse(nil, files, "pages/*.html"),
	}
	for name, of := range own.Providers {
		l.providers[name] = oidc.New(name, of)
	}
	running.Grants = []accounts.Grant{{Type: "authorization_code", Login: l.redeem}}
	running.Jobs = []jobs.Handler{jobs.Periodic("delete used tickets", jobs.Every(time.Hour), func(ctx context.Context) error { return ticket.Purge(ctx, a.DB) })}
	running.Routes = l.routes
	return running
}

func (l Logins) routes(users accounts.Accounts) []endpoint.Route {
	l.accounts = users
	return []endpoint.Route{
		endpoint.Public("GET", "/login/:provider", "Log in at a provider, in a browser", l.Begin).TagText("Logins at OpenID Connect providers.").Status(303).Errors(problem.NotFound, problem.Unavailable, accounts.ErrLoginFailed),
		endpoint.Public("GET", "/login/:provider/callback", "Where a provider sends the browser back", l.Callback).Status(303).With(server.Limit(10*l.settings.Login.MaxFailures, l.settings.Login.Window)).
			Errors(accounts.ErrLoginFailed, problem.Forbidden, errConflict, problem.NotFound, problem.TooManyAttempts, problem.Unavailable),
		endpoint.Public("POST", "/login/:provider/callback", "Send the second factor of a login at a provider", l.Second).
			Errors(accounts.ErrLoginFailed, problem.Forbidden, problem.NotFound, problem.TooManyAttempts, problem.Unavailable),
		app.WithLogin("GET", "/me/identities", "List the providers at which I can log in", Identities{l}.Index).TagText("The providers at which a user can log in."),
		app.WithLogin("POST", "/me/identities/:provider", "Begin to link a provider to my account", Identities{l}.Link).Errors(problem.NotFound, problem.TooManyAttempts, problem.Overloaded),
		app.WithLogin("DELETE", "/me/identities/:id", "Unlink a provider from my account", Identities{l}.Unlink).Errors(errLastWayIn),
	}
}

var createIdentities = &gormigrate.Migration{
	ID: "20261201_create_identities",
	Migrate: func(tx *gorm.DB) error {
		type User struct {
			ID string `gorm:"type:uuid;primaryKey"`
		}
		type Identity struct {
			ID          string    `gorm:"type:uuid;primaryKey"`
			CreatedAt   time.Time `gorm:"not null"`
			UserID      string    `gorm:"type:uuid;not null;index"`
			User        User      `gorm:"constraint:OnDelete:CASCADE"`
			Issuer      string    `gorm:"not null;uniqueIndex:idx_identities_subject,priority:1"`
			Subject     string    `gorm:"not null;uniqueIndex:idx_identities_subject,priority:2"`
			ProvedEmail string    `gorm:"not null"`
		}
		return tx.Migrator().CreateTable(&Identity{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("identities") },
}
