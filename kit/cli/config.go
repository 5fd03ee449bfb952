package cli

import "github.com/spf13/cobra"

func (p Program[S]) configCommand() *cobra.Command {
	return Group("config", "Check the settings", &cobra.Command{
		Use:   "check",
		Short: "Report everything that is wrong with the settings",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := p.Settings(cmd)
			if err == nil {
				Printf(cmd.OutOrStdout(), "The settings are good.\n")
			}
			return err
		},
	})
}
