// Package app says what the program is made of: App, Part, Running, and who may call a route.
package app

import (
	"context"
	"io/fs"
	"log/slog"

	"github.com/gin-gonic/gin"
	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// App has what handlers, jobs and parts need. Add a field for what others need. An App
// with only Settings and Parts has a table of routes and a document, but cannot serve.
type App struct {
	Settings config.Settings
	Log      *slog.Logger
	DB       *gorm.DB
	Auth     accounts.Services
	Parts    []Part

	// Send sends a message made of a text and data, in place of what the settings say.
	// Tests set it.
	Send func(ctx context.Context, to models.Email, text string, data any) error
}

// Part is an optional part of the program, in a folder of its own. parts/parts.go lists
// them. Every field but Name may be empty.
type Part struct {
	Name        string
	Settings    []config.Section
	Migrations  []*gormigrate.Migration // may refer to the tables of the core
	Kinds       []accounts.Kind         // of events
	Texts       fs.FS                   // of mails: KIND.txt and KIND.html are sent about events of a kind
	Public      []string                // the public routes, such as "POST /hook", for the test that lists all
	HandedOut   []string                // the secrets in answers, such as Token.access_token, for the test that finds all
	LoginErrors []*problem.Problem      // further answers of a login
	Schemes     map[string]Scheme       // by their names in the document

	Commands func(CommandLine) []*cobra.Command // those of a group that exists, such as user, are added to it
	New      func(App) Running                  // called once a program
}

// Scheme describes a credential in the document (OpenAPI 3.1, section 4.8.27).
type Scheme struct {
	Describe   map[string]any
	IsNotLogin bool // so that it is refused by routes that need a login
}

// Running is what a part does in a running program. Each list is added to those of the
// parts before.
type Running struct {
	accounts.Extension

	Middleware []gin.HandlerFunc                                  // runs around every request
	Origins    []string                                           // whose pages may call the API with credentials of their browser
	LogFields  []func(ctx context.Context) []slog.Attr            // added to the line of every request
	Jobs       []jobs.Handler                                     // that are added or run periodically
	Figures    []Figure                                           // numbers that show how the program is doing
	Summary    []slog.Attr                                        // what the log lists at the start as turned on
	Warnings   func() []string                                    // about settings that are probably not intended, when the program serves
	Serve      func(context.Context, Program) (Background, error) // called before the program serves

	Routes func(accounts.Accounts) []endpoint.Route // below server.base_path, and in the document
	Pages  func(Program) []endpoint.Route           // below server.base_path, for people and not in the document
}

// Background runs in the background until its context ends. nil means that nothing runs.
type Background = func(ctx context.Context, log *slog.Logger)

// Figure is a number that shows how the program is doing.
type Figure struct {
	Name, Help string
	Counts     bool // only grows
	Value      func() float64
}
