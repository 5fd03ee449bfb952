package commands

import (
	"fmt"

	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/auth"
)

func sessionsCommand() *cobra.Command {
	command := &cobra.Command{Use: "sessions", Short: "Look after the sessions"}
	command.AddCommand(&cobra.Command{
		Use:   "purge",
		Short: "Delete the expired sessions, as the server does every hour",
		Args:  cobra.NoArgs,
		RunE: withDatabase(func(cmd *cobra.Command, _ []string, _ *gorm.DB, services auth.Services) error {
			deleted, err := services.Sessions.Purge(cmd.Context())
			fmt.Fprintf(cmd.OutOrStdout(), "%d expired sessions deleted.\n", deleted)
			return err
		}),
	})
	return command
}
