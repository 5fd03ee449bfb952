// Package browser is the part of cookie sessions, with which the pages in a browser call the
// API and keep no token.
package browser

import (
	"context"
	"log/slog"

	"github.com/gin-gonic/gin"
	"github.com/go-gormigrate/gormigrate/v2"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/settings"
)

// Settings say which pages may call with the cookie, besides those of this server.
type Settings struct {
	Origins []string `mapstructure:"origins"`
}

func check(f *settings.Faults, _ config.Settings, s Settings) {
	for i, origin := range s.Origins {
		normalized, err := settings.NormalizeOrigin(origin)
		if err != nil {
			f.Section("browser").Add("origins", "%q is not an origin, such as https://app.example.com: %v", origin, err)
			continue
		}
		s.Origins[i] = normalized
	}
}

// Part returns the part.
func Part() app.Part {
	return app.Part{
		Name:       "browser",
		Settings:   []config.Section{config.NewSection("browser", Settings{}, check)},
		Migrations: []*gormigrate.Migration{createBrowserSessions},
		Schemes: map[string]app.Scheme{"cookie": {Describe: map[string]any{
			"type":        "apiKey",
			"in":          "cookie",
			"name":        secureName,
			"description": `The cookie of POST /login with "session": "cookie". A browser keeps it and sends it.`,
		}}},
		New: start,
	}
}

func start(a app.App) app.Running {
	s := newSessions(a)
	return app.Running{
		Extension: accounts.Extension{
			Hooks:          []accounts.Hook{begin},
			Authenticators: []accounts.Authenticator{s.identify},
			Carriers:       []accounts.Carrier{{Name: carrier, Allow: s.allowLogin, Carry: s.carry}},
		},
		Middleware: []gin.HandlerFunc{s.prepare},
		Origins:    config.Of[Settings](a.Settings).Origins,
		Serve: func(context.Context, app.Program) (app.Background, error) {
			return func(ctx context.Context, log *slog.Logger) {
				if !s.secure {
					log.Info("the cookie of browser sessions is not Secure, because server.public_url is not https", "cookie", s.name)
				}
				s.storeUses(ctx, log)
			}, nil
		},
	}
}
