package commands

import (
	"github.com/spf13/cobra"

	"example.com/latchkey/models"
)

func sessionsCommand() *cobra.Command {
	command := &cobra.Command{Use: "sessions", Short: "Manage the sessions"}
	command.AddCommand(sessionsEnd(), &cobra.Command{
		Use:   "purge",
		Short: "Delete the expired sessions, as the server does every hour",
		Args:  cobra.NoArgs,
		RunE: withBackend(func(cmd *cobra.Command, _ []string, b backend) error {
			deleted, err := b.services.Sessions.Purge(cmd.Context())
			printf(cmd.OutOrStdout(), "%d expired sessions deleted.\n", deleted)
			return err
		}),
	})
	return command
}

func sessionsEnd() *cobra.Command {
	return &cobra.Command{
		Use:   "end EMAIL",
		Short: "Sign a user out everywhere",
		Args:  cobra.ExactArgs(1),
		RunE: withBackend(func(cmd *cobra.Command, args []string, b backend) error {
			user, err := findUser(cmd.Context(), b.db, args[0])
			if err != nil {
				return err
			}
			ended, err := b.accounts().EndSessions(cmd.Context(), user.ID, models.ByAdmin)
			if err == nil {
				printf(cmd.OutOrStdout(), "%d sessions of %s ended.\n", ended, user.Email)
			}
			return err
		}),
	}
}
