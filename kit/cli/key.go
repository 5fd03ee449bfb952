package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/token"
)

func keyCommand() *cobra.Command {
	newCommand := &cobra.Command{
		Use:   "new",
		Short: "Write a new private key to a file that only its owner can read",
		Args:  cobra.NoArgs,
	}
	algorithm := newCommand.Flags().String("algorithm", token.EdDSA, "EdDSA, ES256 or RS256")
	file := newCommand.Flags().String("out", "data/jwt_key.pem", "the file, which must not exist yet")
	newCommand.RunE = func(cmd *cobra.Command, _ []string) error {
		pem, err := token.NewKey(*algorithm)
		if err != nil {
			return fmt.Errorf("--algorithm: %w", err)
		}
		if err := settings.WriteNew(*file, pem); err != nil {
			return err
		}
		Printf(cmd.OutOrStdout(), "%s is written. To sign with it, set APP_JWT_ALGORITHM=%s and APP_JWT_KEY_FILE=%s\n", *file, *algorithm, *file)
		return nil
	}
	return Group("key", "Manage the keys of EdDSA, ES256 and RS256", newCommand)
}
