package totp

import (
	"fmt"

	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/app"
	"example.com/latchkey/kit/cli"
	"example.com/latchkey/models"
)

func userCommand(line app.CommandLine) *cobra.Command {
	return cli.Group("user", "", &cobra.Command{
		Use:   "totp-off EMAIL",
		Short: "Turn a user's one-time codes off",
		Args:  cobra.ExactArgs(1),
		RunE: line.WithUser(func(cmd *cobra.Command, p app.Program, user models.User) error {
			var wasOn bool
			err := p.Accounts.WithUser(cmd.Context(), user.ID, func(tx *gorm.DB, user models.User) (err error) {
				wasOn, err = turnOff(p.Accounts, tx, user)
				return err
			})
			if err != nil {
				return err
			}
			if !wasOn {
				return fmt.Errorf("%s has no one-time codes", user.Email)
			}
			cli.Printf(cmd.OutOrStdout(), "%s logs in without one-time codes.\n", user.Email)
			return nil
		}),
	})
}
