// Package commands is the program's command line, with one file for each subcommand that
// kit/cli does not have.
package commands

import (
	"context"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/cli"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/server"
	"example.com/latchkey/migrations"
	"example.com/latchkey/routes"
)

// backend is what a command works with.
type backend = cli.Backend[config.Settings]

var program = cli.Program[config.Settings]{
	Name:  "latchkey",
	Short: "An HTTP API with users, logins and protected routes",
	Load:  config.Load,
	Common: func(s config.Settings) cli.Common {
		return cli.Common{Environment: s.Environment, Server: s.Server.Settings, Database: s.Database, Log: s.Log}
	},
	Schema:   migrations.All(),
	Routes:   func() []endpoint.Route { return routes.App{Settings: config.Defaults()}.Table() },
	Document: func() ([]byte, error) { return routes.App{Settings: config.Defaults()}.Document() },
	Jobs:     func(b backend) []jobs.Handler { return appOf(b).Jobs() },
	Build:    build,
}

// Run runs the subcommand of the command line (without one, the API), and returns the exit
// status.
func Run() (status int) { return program.Run(userCommand(), databaseCommand()) }

func appOf(b backend) routes.App {
	return routes.App{Settings: b.Settings, Log: b.Log, DB: b.DB, Auth: accounts.NewServices(b.Settings, b.DB), SendMail: routes.SendMail(b.Settings)}
}

// build makes what the server runs. Add what else runs at the start.
func build(ctx context.Context, b backend) (server.Service, error) {
	app := appOf(b)
	service := server.Service{Jobs: app.Jobs(), Background: app.Background(), Summary: summary(app), Warnings: warnings(app)}
	if err := serveMetrics(ctx, b, &app, &service); err != nil {
		return service, err
	}
	engine, err := app.Engine() //nolint:contextcheck // each request has its own
	service.Engine = engine
	return service, err
}
