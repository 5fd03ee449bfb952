package cli

import (
	"github.com/spf13/cobra"

	"example.com/latchkey/kit/settings"
)

func secretCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "secret",
		Short: "Print a new random secret, good for jwt.secret",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			Printf(cmd.OutOrStdout(), "%s\n", settings.NewSecret().Bytes())
		},
	}
}
