// Package commands is the command line: one file a subcommand.
package commands

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/auth"
	"example.com/latchkey/config"
	"example.com/latchkey/database"
	"example.com/latchkey/routes"
)

// lastLines is how long the last lines that are printed may take.
const lastLines = time.Second

// Run is the program: it runs what the command line asks for, without a
// subcommand the API, and gives the status to exit with.
func Run() (status int) {
	err := root().Execute()
	if err == nil {
		return 0
	}
	said := make(chan struct{})
	go func() {
		fmt.Fprintln(os.Stderr, "latchkey:", err)
		close(said)
	}()
	select {
	case <-said:
	case <-time.After(lastLines): // nobody reads what is printed
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
		RunE:          withBackend(serve),
	}
	root.PersistentFlags().String("config", config.DefaultFile, "the settings file")
	root.AddCommand(serveCommand(), routesCommand(), openAPICommand(), userCommand(), sessionsCommand(), migrateCommand(), databaseCommand(), configCommand(), secretCommand(), keyCommand(), healthCommand(), versionCommand())
	return root
}

// backend is what stands behind the API and the commands alike.
type backend struct {
	settings config.Settings
	log      *slog.Logger
	db       *gorm.DB
	services auth.Services
}

// app is the API.
func (b backend) app() routes.App {
	return routes.App{Settings: b.settings, Log: b.log, DB: b.db, Auth: b.services}
}

// accounts are the users, as the command line changes them.
func (b backend) accounts() accounts.Accounts {
	return accounts.Accounts{DB: b.db, Auth: b.services}
}

// withBackend runs a command on the database of the settings, migrated where
// they say so.
func withBackend(run func(cmd *cobra.Command, args []string, on backend) error) func(*cobra.Command, []string) error {
	return withDatabase(func(cmd *cobra.Command, args []string, on backend) error {
		if err := prepare(on); err != nil {
			return err
		}
		return run(cmd, args, on)
	})
}

// withDatabase runs a command on the database of the settings as it is.
func withDatabase(run func(cmd *cobra.Command, args []string, on backend) error) func(*cobra.Command, []string) error {
	return opening(database.Open, run)
}

// withExisting is withDatabase for a command that makes no file of its own.
func withExisting(run func(cmd *cobra.Command, args []string, on backend) error) func(*cobra.Command, []string) error {
	return opening(database.OpenExisting, run)
}

func opening(open func(config.Database, *slog.Logger) (*gorm.DB, error), run func(cmd *cobra.Command, args []string, on backend) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		settings, err := settings(cmd)
		if err != nil {
			return err
		}
		log, queue := newQueuedLog(settings, cmd.ErrOrStderr())
		defer queue.Close(lastLines)
		db, err := open(settings.Database, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, database.Close(db)) }()
		return run(cmd, args, backend{settings, log, db, auth.New(settings, db)})
	}
}

func prepare(on backend) error {
	if on.settings.Database.Migrate {
		return database.Migrate(on.db)
	}
	pending, err := database.Pending(on.db)
	if len(pending) > 0 {
		on.log.Warn("the database has pending migrations, and database.migrate is false: run `latchkey migrate up`", "pending", len(pending))
	}
	return err
}

// settings loads what --config and the environment say.
func settings(cmd *cobra.Command) (config.Settings, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return config.Settings{}, err
	}
	return config.Load(file, os.Environ())
}
