// Package commands is the command line, with one file for each subcommand.
package commands

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/database"
	kit "example.com/latchkey/kit/settings"
	"example.com/latchkey/migrations"
	"example.com/latchkey/routes"
)

// flushTimeout limits how long the program waits at its end for lines to be printed.
const flushTimeout = time.Second

// Run runs the subcommand of the command line (without one, the API), and
// returns the exit status.
func Run() (status int) {
	err := root().Execute()
	if err == nil {
		return 0
	}
	printed := make(chan struct{})
	go func() {
		fmt.Fprintln(os.Stderr, "latchkey:", escape(err.Error(), "\n\t"))
		close(printed)
	}()
	select {
	case <-printed:
	case <-time.After(flushTimeout): // nobody reads stderr
	}
	return 1
}

func root() *cobra.Command {
	root := &cobra.Command{
		Use:           "latchkey",
		Short:         "An HTTP API with users, logins and protected routes",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          withDatabase(database.Open, migrateAndServe),
	}
	root.PersistentFlags().String("config", kit.DefaultFile, "the settings file")
	root.AddCommand(serveCommand(), routesCommand(), openAPICommand(), userCommand(), sessionsCommand(), eventsCommand(), jobsCommand(), migrateCommand(), databaseCommand(), configCommand(), secretCommand(), keyCommand(), healthCommand(), versionCommand())
	return root
}

// backend holds what the API and the commands share.
type backend struct {
	settings config.Settings
	log      *slog.Logger
	db       *gorm.DB
	services accounts.Services
}

// backendFunc is a command that needs the backend.
type backendFunc = func(cmd *cobra.Command, args []string, b backend) error

func (b backend) accounts() accounts.Accounts {
	return b.app().Accounts()
}

func (b backend) app() routes.App {
	return routes.App{Settings: b.settings, Log: b.log, DB: b.db, Auth: b.services, SendMail: routes.SendMail(b.settings)}
}

// withBackend opens a database that `latchkey serve` or `latchkey migrate up` has made,
// for a command that needs all migrations.
func withBackend(run backendFunc) func(*cobra.Command, []string) error {
	open := func(s database.Settings, schema database.Schema, log *slog.Logger) (*gorm.DB, error) {
		db, err := database.OpenExisting(s, schema, log)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: `latchkey migrate up` makes it", err)
		}
		return db, err
	}
	return withDatabase(open, func(cmd *cobra.Command, args []string, b backend) error {
		pending, err := database.Pending(b.db)
		if err != nil {
			return err
		}
		if len(pending) > 0 {
			return fmt.Errorf("the database has %d pending migrations: run `latchkey migrate up`", len(pending))
		}
		return run(cmd, args, b)
	})
}

// withDatabase opens the database for a command, with database.Open or OpenExisting.
func withDatabase(open func(database.Settings, database.Schema, *slog.Logger) (*gorm.DB, error), run backendFunc) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		settings, err := loadSettings(cmd)
		if err != nil {
			return err
		}
		log, queue := newQueuedLog(settings, cmd.ErrOrStderr())
		defer queue.Close(flushTimeout)
		db, err := open(settings.Database, migrations.All(), log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, database.Close(db)) }()
		return run(cmd, args, backend{settings, log, db, accounts.NewServices(settings, db)})
	}
}

// loadSettings reads the file of --config, and the environment.
func loadSettings(cmd *cobra.Command) (config.Settings, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return config.Settings{}, err
	}
	return config.Load(file, os.Environ())
}
