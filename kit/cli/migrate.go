package cli

import (
	"github.com/spf13/cobra"

	"example.com/latchkey/kit/database"
)

func (p Program[S]) migrateCommand() *cobra.Command {
	return Group("migrate", "Change the schema of the database",
		&cobra.Command{Use: "up", Short: "Apply all pending migrations, or none", Args: cobra.NoArgs, RunE: p.WithDatabase(database.Open, migrateUp[S])},
		&cobra.Command{Use: "down", Short: "Undo the last migration, and delete the data of its tables and columns", Args: cobra.NoArgs, RunE: p.WithDatabase(database.OpenExisting, migrateDown[S])},
		&cobra.Command{Use: "status", Short: "List the migrations, and which are applied", Args: cobra.NoArgs, RunE: p.WithDatabase(database.OpenExisting, migrateStatus[S])},
	)
}

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
