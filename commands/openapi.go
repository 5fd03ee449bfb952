package commands

import (
	"fmt"

	"github.com/spf13/cobra"

	"example.com/latchkey/config"
	"example.com/latchkey/routes"
)

func openAPICommand() *cobra.Command {
	return &cobra.Command{
		Use:   "openapi",
		Short: "Print the OpenAPI document",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			document, err := routes.App{Settings: config.Defaults()}.Document()
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n", document)
			return err
		},
	}
}
