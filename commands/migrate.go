package commands

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/latchkey/kit/database"
)

func migrateCommand() *cobra.Command {
	command := &cobra.Command{Use: "migrate", Short: "Change the schema of the database"}
	command.AddCommand(
		&cobra.Command{Use: "up", Short: "Apply all pending migrations, or none", Args: cobra.NoArgs, RunE: withDatabase(database.Open, migrateUp)},
		&cobra.Command{Use: "down", Short: "Undo the last migration, and delete the data of its tables and columns", Args: cobra.NoArgs, RunE: withDatabase(database.OpenExisting, migrateDown)},
		&cobra.Command{Use: "status", Short: "List the migrations, and which are applied", Args: cobra.NoArgs, RunE: withDatabase(database.OpenExisting, migrateStatus)},
		&cobra.Command{Use: "new NAME", Short: "Add a migration to the source, such as add_phone", Args: cobra.ExactArgs(1), RunE: migrateNew},
	)
	return command
}

func migrateUp(cmd *cobra.Command, _ []string, b backend) error {
	pending, err := database.Pending(b.db)
	if err != nil {
		return err
	}
	if err := database.Migrate(b.db); err != nil {
		return err
	}
	if len(pending) == 0 {
		printf(cmd.OutOrStdout(), "The database is up to date.\n")
	}
	for _, id := range pending {
		printf(cmd.OutOrStdout(), "applied  %s\n", id)
	}
	return nil
}

func migrateDown(cmd *cobra.Command, _ []string, b backend) error {
	undone, err := database.Rollback(b.db)
	if err != nil {
		return err
	}
	if undone == "" {
		undone = "nothing: no migration is applied"
	}
	printf(cmd.OutOrStdout(), "undone   %s\n", undone)
	return nil
}

func migrateStatus(cmd *cobra.Command, _ []string, b backend) error {
	all, err := database.Migrations(b.db)
	for _, m := range all {
		state := "pending"
		if m.Applied {
			state = "applied"
		}
		printf(cmd.OutOrStdout(), "%s  %s\n", state, m.ID)
	}
	return err
}

// migrationText returns errors, so that nobody deploys a migration that is not written yet.
const migrationText = `package migrations

import (
	"errors"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var %[1]s = &gormigrate.Migration{
	ID: "%[2]s",
	Migrate: func(tx *gorm.DB) error {
		return errors.New("%[2]s is not written yet")
	},
	Rollback: func(tx *gorm.DB) error {
		return errors.New("%[2]s is not written yet")
	},
}
`

var (
	migrationName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)+$`)
	// Go compiles files with these endings only in tests or on one platform.
	specialEnding = regexp.MustCompile(`_(test|linux|windows|darwin|android|ios|js|wasm|unix|amd64|386|arm|arm64)$`)
	migrationList = regexp.MustCompile(`(?s)\[\]\*gormigrate\.Migration\{.*?\s*\}\n`)
)

// migrateNew writes a migration's file and adds it to the list in migrations/own.go.
func migrateNew(cmd *cobra.Command, args []string) error {
	name, list := args[0], filepath.Join("migrations", "own.go")
	if !migrationName.MatchString(name) || specialEnding.MatchString(name) {
		return fmt.Errorf("%q is not a name for a migration: write two or more words of lower-case letters and digits, such as add_phone; the last word must not be special in Go's file names, such as test or linux", name)
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return errors.New("there is no migrations/own.go here: run this in the folder of the source")
	}
	place := migrationList.FindIndex(text)
	if place == nil {
		return fmt.Errorf("%s contains no list of migrations", list)
	}
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	variable, before := strings.Join(words, ""), strings.TrimRight(string(text[:place[1]-len("}\n")]), "\t\n")
	file, err := os.OpenFile(filepath.Join("migrations", name+".go"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // source
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, migrationText, variable, time.Now().UTC().Format("20060102_")+name)
	listed := before + "\n\t\t" + variable + ",\n\t}\n" + string(text[place[1]:])
	if err := errors.Join(err, file.Close(), os.WriteFile(list, []byte(listed), 0o644)); err != nil { //nolint:gosec // source
		return err
	}
	printf(cmd.OutOrStdout(), "Write the change into %s; it is listed in %s.\n", file.Name(), list)
	return nil
}
