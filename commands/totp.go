package commands

import (
	"fmt"

	"github.com/spf13/cobra"

	"example.com/latchkey/kit/cli"
)

func userTOTPOff() *cobra.Command {
	return &cobra.Command{
		Use:   "totp-off EMAIL",
		Short: "Turn a user's one-time codes off",
		Args:  cobra.ExactArgs(1),
		RunE: program.WithBackend(func(cmd *cobra.Command, args []string, b backend) error {
			user, err := findUser(cmd.Context(), b.DB, args[0])
			if err != nil {
				return err
			}
			wasOn, err := appOf(b).Accounts().DisableTOTP(cmd.Context(), user.ID)
			if err != nil {
				return clientError(err)
			}
			if !wasOn {
				return fmt.Errorf("%s has no one-time codes", user.Email)
			}
			cli.Printf(cmd.OutOrStdout(), "%s logs in without one-time codes.\n", user.Email)
			return nil
		}),
	}
}
