package commands

import (
	"fmt"

	"github.com/spf13/cobra"
)

func sessionsCommand() *cobra.Command {
	command := &cobra.Command{Use: "sessions", Short: "Manage the sessions"}
	command.AddCommand(&cobra.Command{
		Use:   "purge",
		Short: "Delete the expired sessions, as the server does every hour",
		Args:  cobra.NoArgs,
		RunE: withBackend(func(cmd *cobra.Command, _ []string, b backend) error {
			deleted, err := b.services.Sessions.Purge(cmd.Context())
			fmt.Fprintf(cmd.OutOrStdout(), "%d expired sessions deleted.\n", deleted)
			return err
		}),
	})
	return command
}
