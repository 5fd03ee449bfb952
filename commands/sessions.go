package commands

import (
	"fmt"

	"github.com/spf13/cobra"
)

func sessionsCommand() *cobra.Command {
	command := &cobra.Command{Use: "sessions", Short: "Look after the sessions"}
	command.AddCommand(&cobra.Command{
		Use:   "purge",
		Short: "Delete the expired sessions, as the server does every hour",
		Args:  cobra.NoArgs,
		RunE: withBackend(func(cmd *cobra.Command, _ []string, on backend) error {
			deleted, err := on.services.Sessions.Purge(cmd.Context())
			fmt.Fprintf(cmd.OutOrStdout(), "%d expired sessions deleted.\n", deleted)
			return err
		}),
	})
	return command
}
