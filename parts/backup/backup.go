// Package backup is the part that copies the database to a file or to another database.
package backup

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/cli"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/server"
)

// Part returns the part.
func Part() app.Part {
	return app.Part{Name: "backup", Commands: func(line app.CommandLine) []*cobra.Command { return []*cobra.Command{databaseCommand(line)} }}
}

func databaseCommand(line app.CommandLine) *cobra.Command {
	return cli.Group("db", "Copy, back up or restore the database", databaseCopy(line), &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the SQLite database to a new file, also while the server runs",
		Args:  cobra.ExactArgs(1),
		RunE: line.WithDatabase(database.OpenExisting, func(cmd *cobra.Command, args []string, b cli.Backend[config.Settings]) error {
			if err := database.Backup(b.DB, args[0]); err != nil {
				return err
			}
			cli.Printf(cmd.OutOrStdout(), "The backup is %s.\n", args[0])
			return nil
		}),
	}, &cobra.Command{
		Use:   "restore FILE",
		Short: "Replace the SQLite database with a backup, while no server runs",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := line.Settings(cmd)
			if err != nil {
				return err
			}
			previous, err := database.Restore(args[0], settings.Database, line.Schema)
			if err != nil {
				return err
			}
			cli.Printf(cmd.OutOrStdout(), "The backup is restored.\n")
			if previous != "" {
				cli.Printf(cmd.OutOrStdout(), "The previous database is now %s.\n", previous)
			}
			return nil
		},
	})
}

func databaseCopy(line app.CommandLine) *cobra.Command {
	var from, to string
	command := &cobra.Command{
		Use:   "copy",
		Short: "Copy all data to an empty database",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := line.Settings(cmd)
			if err != nil {
				return err
			}
			source, target := settings.Database, settings.Database
			source.URL, target.URL = cmp.Or(from, source.URL), cmp.Or(to, target.URL)
			for flag, url := range map[string]string{"--from": source.URL, "--to": target.URL} {
				if err := database.CheckURL(url); err != nil {
					return fmt.Errorf("%s: %w", flag, err)
				}
			}
			if source.URL == target.URL {
				return errors.New("the source and the target are the same database: name the other one with --from or --to")
			}
			var tables []string
			rows := map[string]int64{}
			err = database.Copy(source, target, line.Schema, server.NewLog(settings.Log, settings.Environment, cmd.ErrOrStderr()), func(table string, copied int64) {
				if rows[table] == 0 {
					tables = append(tables, table)
				}
				rows[table] = copied
				cli.Printf(cmd.ErrOrStderr(), "\r%s: %d rows ", table, copied)
			})
			fmt.Fprint(cmd.ErrOrStderr(), "\r")
			if err != nil {
				return err
			}
			for _, table := range tables {
				cli.Printf(cmd.OutOrStdout(), "%-20s %d rows\n", table, rows[table])
			}
			return nil
		},
	}
	command.Flags().StringVar(&from, "from", "", "the database to copy, such as sqlite://data/app.db (default database.url)")
	command.Flags().StringVar(&to, "to", "", "the empty database, such as postgres://USER@HOST/DATABASE (default database.url)")
	return command
}
