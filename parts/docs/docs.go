// Package docs is the part that serves the OpenAPI document, and the page to try the API on.
package docs

import (
	"log/slog"

	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/settings"
)

// Settings say whether the document and the page are served.
type Settings struct {
	Docs *bool `mapstructure:"docs"` // nil: in development only
}

// Part returns the part.
func Part() app.Part {
	return app.Part{Name: "docs", Settings: []config.Section{config.NewSection("server", Settings{}, nil)}, New: start}
}

func start(a app.App) app.Running {
	show := a.Settings.Environment == settings.Development
	if set := config.Of[Settings](a.Settings).Docs; set != nil {
		show = *set
	}
	running := app.Running{Summary: []slog.Attr{slog.Bool("docs", show)}}
	if !show {
		return running
	}
	running.Pages = pages
	if a.Settings.InProduction() {
		running.Warnings = func() []string {
			return []string{"everybody can read /docs and /openapi.json, because server.docs is true"}
		}
	}
	return running
}

func pages(p app.Program) []endpoint.Route {
	docs, document := NewDocs(), NewFile("application/json", p.Document)
	return []endpoint.Route{
		endpoint.Gin("GET", "/openapi.json", "This API, described", document.Serve),
		endpoint.Gin("GET", "/", "To the page", docs.Home),
		endpoint.Gin("GET", "/docs", "The page to try this API on", docs.Page),
		endpoint.Gin("GET", "/docs/:file", "What the page loads", docs.File),
	}
}
