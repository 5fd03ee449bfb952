// Package commands is the program's command line, with one file for each subcommand that
// neither kit/cli nor a part has.
package commands

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/cli"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/server"
	"example.com/latchkey/routes"
)

// backend is what a command works with.
type backend = cli.Backend[config.Settings]

// Run runs the subcommand of the command line (without one, the API) with these parts, and
// returns the exit status.
func Run(parts []app.Part) (status int) {
	line := newLine(parts)
	all := []*cobra.Command{userCommand(line)}
	for _, part := range parts {
		if part.Commands == nil {
			continue
		}
		for _, command := range part.Commands(line) {
			if same := slices.IndexFunc(all, func(other *cobra.Command) bool { return other.Name() == command.Name() }); same >= 0 {
				all[same].AddCommand(command.Commands()...)
			} else {
				all = append(all, command)
			}
		}
	}
	return line.Run(all...)
}

func newLine(parts []app.Part) app.CommandLine {
	sections := app.Sections(parts)
	described := app.New(app.App{Settings: config.Defaults(sections...), Parts: parts}) // without a database
	line := app.CommandLine{Parts: parts}
	line.Program = cli.Program[config.Settings]{
		Name:  "latchkey",
		Short: "An HTTP API with users, logins and protected routes",
		Load: func(file string, environ []string) (config.Settings, error) {
			return config.Load(file, environ, sections...)
		},
		Common: func(s config.Settings) cli.Common {
			return cli.Common{Environment: s.Environment, Server: s.Server, Database: s.Database, Log: s.Log}
		},
		Schema:   app.Schema(parts),
		Routes:   func() []endpoint.Route { return routes.Table(described) },
		Document: func() ([]byte, error) { return routes.Document(described) },
		Jobs:     func(b backend) []jobs.Handler { return line.NewProgram(b).Jobs },
		Build:    func(ctx context.Context, b backend) (server.Service, error) { return build(ctx, line.NewProgram(b)) },
	}
	return line
}

// build makes what the server runs.
func build(ctx context.Context, p app.Program) (service server.Service, err error) {
	service = server.Service{Jobs: p.Jobs, Summary: summary(p), Warnings: warnings(p)}
	if service.Background, err = p.ServeParts(ctx); err != nil {
		return service, err
	}
	engine, err := routes.Engine(p) //nolint:contextcheck // each request has its own
	service.Engine = engine
	return service, err
}
