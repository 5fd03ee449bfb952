package commands

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/spf13/cobra"

	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

func userKeys() *cobra.Command {
	command := &cobra.Command{Use: "keys EMAIL", Short: "List a user's API keys, the newest first, or delete one", Args: cobra.ExactArgs(1)}
	id := command.Flags().String("delete", "", "the id of the key to delete")
	command.RunE = withBackend(func(cmd *cobra.Command, args []string, b backend) error {
		user, err := findUser(cmd.Context(), b.db, args[0])
		if err != nil {
			return err
		}
		if *id == "" {
			return listKeys(cmd, b, user)
		}
		err = b.accounts().DeleteKey(cmd.Context(), user.ID, uuid.FromStringOrNil(*id))
		switch {
		case errors.Is(err, problem.NotFound):
			return fmt.Errorf("%s has no API key with the id %s", user.Email, *id)
		case err == nil:
			printf(cmd.OutOrStdout(), "The key is deleted.\n")
		}
		return err
	})
	return command
}

func listKeys(cmd *cobra.Command, b backend, user models.User) error {
	var keys []models.APIKey
	if err := b.db.WithContext(cmd.Context()).Order("id DESC").Find(&keys, "user_id = ?", user.ID).Error; err != nil {
		return err
	}
	out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	printf(out, "ID\tNAME\tSCOPE\tCREATED\tLAST USED\tEXPIRES\n")
	at := func(moment *time.Time) string {
		if moment == nil {
			return "-"
		}
		return moment.Format(time.RFC3339)
	}
	for _, key := range keys {
		printf(out, "%s\t%q\t%s\t%s\t%s\t%s\n", key.ID, key.Name, key.Scope, at(&key.CreatedAt), at(key.LastUsedAt), at(key.ExpiresAt))
	}
	return out.Flush()
}
