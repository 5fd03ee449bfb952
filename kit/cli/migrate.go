package cli

import (
	"github.com/spf13/cobra"

	"example.com/latchkey/kit/database"
)

func migrateUp[S any](cmd *cobra.Command, _ []string, b Backend[S]) error {
	pending, err := database.Pending(b.DB)
	if err != nil {
		return err
	}
	if err := database.Migrate(b.DB); err != nil {
		return err
	}
	if len(pending) == 0 {
		Printf(cmd.OutOrStdout(), "The database is up to date.\n")
	}
	for _, id := range pending {
		Printf(cmd.OutOrStdout(), "applied  %s\n", id)
	}
	return nil
}

func migrateDown[S any](cmd *cobra.Command, _ []string, b Backend[S]) error {
	undone, err := database.Rollback(b.DB)
	if err != nil {
		return err
	}
	if undone == "" {
		undone = "nothing: no migration is applied"
	}
	Printf(cmd.OutOrStdout(), "undone   %s\n", undone)
	return nil
}

func migrateStatus[S any](cmd *cobra.Command, _ []string, b Backend[S]) error {
	all, err := database.Migrations(b.DB)
	for _, m := range all {
		state := "pending"
		if m.Applied {
			state = "applied"
		}
		Printf(cmd.OutOrStdout(), "%s  %s\n", state, m.ID)
	}
	return err
}
