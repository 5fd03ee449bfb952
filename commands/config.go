package commands

import (
	"github.com/spf13/cobra"
)

func configCommand() *cobra.Command {
	command := &cobra.Command{Use: "config", Short: "Check the settings"}
	command.AddCommand(&cobra.Command{
		Use:   "check",
		Short: "Report everything that is wrong with the settings",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := loadSettings(cmd); err != nil {
				return err
			}
			printf(cmd.OutOrStdout(), "The settings are good.\n")
			return nil
		},
	})
	return command
}
