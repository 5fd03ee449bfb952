// Package commands is the command line: one file a subcommand.
package commands

import (
	"errors"
	"os"

	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/auth"
	"example.com/latchkey/config"
	"example.com/latchkey/database"
)

// Root is the program; without a subcommand it serves.
func Root() *cobra.Command {
	root := &cobra.Command{
		Use:           "latchkey",
		Short:         "An HTTP API with users, logins and protected routes",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          serve,
	}
	root.PersistentFlags().String("config", config.DefaultFile, "the settings file")
	root.AddCommand(serveCommand(), routesCommand(), openAPICommand(), userCommand(), sessionsCommand(), configCommand(), secretCommand(), keyCommand(), versionCommand())
	return root
}

// withDatabase runs a command on the migrated database of the settings.
func withDatabase(run func(cmd *cobra.Command, args []string, db *gorm.DB, services auth.Services) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		settings, err := settings(cmd)
		if err != nil {
			return err
		}
		db, err := database.Open(settings.Database.URL, newLog(settings, cmd.ErrOrStderr()))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, database.Close(db)) }()
		if err := database.Migrate(db); err != nil {
			return err
		}
		return run(cmd, args, db, auth.New(settings, db))
	}
}

// settings loads what --config and the environment say.
func settings(cmd *cobra.Command) (config.Settings, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return config.Settings{}, err
	}
	return config.Load(file, os.Environ())
}
