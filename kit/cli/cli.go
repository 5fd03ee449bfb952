// Package cli is the command line of a service: it serves, changes the schema, and shows
// jobs, routes and the document.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/server"
	"example.com/latchkey/kit/settings"
)

// flushTimeout limits how long a program waits at its end for lines to be printed.
const flushTimeout = time.Second

// Program is a service with settings of the type S.
type Program[S any] struct {
	Name, Short string

	Load   func(file string, environ []string) (S, error)
	Common func(S) Common
	Schema database.Schema

	Routes   func() []endpoint.Route
	Document func() ([]byte, error)
	Jobs     func(Backend[S]) []jobs.Handler
	Build    func(context.Context, Backend[S]) (server.Service, error)
}

// Common are the settings of every service.
type Common struct {
	Environment string
	Server      server.Settings
	Database    database.Settings
	Log         server.LogSettings
}

// Backend is what a command works with.
type Backend[S any] struct {
	Settings S
	Log      *slog.Logger
	DB       *gorm.DB
}

// Func is a command that needs a Backend.
type Func[S any] = func(cmd *cobra.Command, args []string, b Backend[S]) error

// Run runs the subcommand of the command line (without one, serve), and returns the exit
// status. own are the commands of the program itself.
func (p Program[S]) Run(own ...*cobra.Command) (status int) {
	root := p.root()
	root.AddCommand(own...)
	err := root.Execute()
	if err == nil {
		return 0
	}
	_, stderr := server.NewQueuedLog(server.LogSettings{}, "", os.Stderr) // maybe nobody reads it
	fmt.Fprintln(stderr, p.Name+":", server.Escape(err.Error(), "\n\t"))
	stderr.Close(flushTimeout)
	return 1
}

func (p Program[S]) root() *cobra.Command {
	serve := p.WithDatabase(database.Open, p.serve)
	root := command(p.Name, p.Short, serve)
	root.Version = version()
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.PersistentFlags().String("config", settings.DefaultFile, "the settings file")
	root.AddCommand(
		command("serve", "Run the API (the default)", serve),
		command("routes", "List every route and who may call it", p.printRoutes),
		command("openapi", "Print the OpenAPI document", p.printDocument),
		command("health", "Check whether the running API can serve requests, for a container's health check", p.checkHealth),
		command("secret", "Print a new random secret, good for jwt.secret", printSecret),
		Group("key", "Manage the keys of EdDSA, ES256 and RS256", newKeyCommand()),
		Group("config", "Check the settings",
			command("check", "Report everything that is wrong with the settings", p.checkConfig)),
		Group("migrate", "Change the schema of the database",
			command("up", "Apply all pending migrations, or none", p.WithDatabase(database.Open, migrateUp)),
			command("down", "Undo the last migration, and delete the data of its tables and columns", p.WithDatabase(database.OpenExisting, migrateDown)),
			command("status", "List the migrations, and which are applied", p.WithDatabase(database.OpenExisting, migrateStatus))),
		p.jobsCommand())
	return root
}

// version is that of the program, and of the Go it was built with.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return build.Main.Version + " " + build.GoVersion
}

// serve applies pending migrations, if database.migrate is true, and runs the API.
func (p Program[S]) serve(cmd *cobra.Command, _ []string, b Backend[S]) (err error) {
	common := p.Common(b.Settings)
	var pending []string
	if common.Database.Migrate {
		err = database.Migrate(b.DB)
	} else {
		pending, err = database.Pending(b.DB)
	}
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		b.Log.Warn("the database has pending migrations, and database.migrate is false: run `"+p.Name+" migrate up`", "pending", len(pending))
	}
	return server.Run(cmd.Context(), common.Server, b.DB, b.Log, func(ctx context.Context) (server.Service, error) { return p.Build(ctx, b) })
}

// WithBackend opens a database that serve or migrate up has made, for a command that needs
// all migrations.
func (p Program[S]) WithBackend(run Func[S]) func(*cobra.Command, []string) error {
	open := func(s database.Settings, schema database.Schema, log *slog.Logger) (*gorm.DB, error) {
		db, err := database.OpenExisting(s, schema, log)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: `%s migrate up` makes it", err, p.Name)
		}
		return db, err
	}
	return p.WithDatabase(open, func(cmd *cobra.Command, args []string, b Backend[S]) error {
		pending, err := database.Pending(b.DB)
		if err != nil {
			return err
		}
		if len(pending) > 0 {
			return fmt.Errorf("the database has %d pending migrations: run `%s migrate up`", len(pending), p.Name)
		}
		return run(cmd, args, b)
	})
}

// WithDatabase opens the database for a command, with database.Open or OpenExisting.
func (p Program[S]) WithDatabase(open func(database.Settings, database.Schema, *slog.Logger) (*gorm.DB, error), run Func[S]) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		read, err := p.Settings(cmd)
		if err != nil {
			return err
		}
		common := p.Common(read)
		log, queue := server.NewQueuedLog(common.Log, common.Environment, cmd.ErrOrStderr())
		defer queue.Close(flushTimeout)
		db, err := open(common.Database, p.Schema, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, database.Close(db)) }()
		return run(cmd, args, Backend[S]{read, log, db})
	}
}

// Settings reads the file of --config, and the environment.
func (p Program[S]) Settings(cmd *cobra.Command) (read S, err error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return read, err
	}
	return p.Load(file, os.Environ())
}

// Group makes a command of its subcommands.
func Group(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := command(use, short, func(cmd *cobra.Command, _ []string) error { return cmd.Help() })
	group.AddCommand(commands...)
	return group
}

// command makes a command without arguments, to which an unknown subcommand is an error.
func command(use, short string, run func(*cobra.Command, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: run}
}
