// Package commands is the command line: one file a subcommand.
package commands

import (
	"os"

	"github.com/spf13/cobra"

	"example.com/latchkey/config"
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
	root.AddCommand(serveCommand(), routesCommand(), configCommand(), secretCommand(), versionCommand())
	return root
}

// settings loads what --config and the environment say.
func settings(cmd *cobra.Command) (config.Settings, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return config.Settings{}, err
	}
	return config.Load(file, os.Environ())
}
