package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/token"
)

func (p Program[S]) printRoutes(cmd *cobra.Command, _ []string) error {
	out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	Printf(out, "METHOD\tPATH\tACCESS\tSUMMARY\n")
	for _, route := range p.Routes() {
		Printf(out, "%s\t%s\t%s\t%s\n", route.Method, route.Path, route.Access, route.Summary)
	}
	return out.Flush()
}

func (p Program[S]) printDocument(cmd *cobra.Command, _ []string) error {
	document, err := p.Document()
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, document, "", "  "); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), indented.String())
	return nil
}

func (p Program[S]) checkConfig(cmd *cobra.Command, _ []string) error {
	_, err := p.Settings(cmd)
	if err == nil {
		Printf(cmd.OutOrStdout(), "The settings are good.\n")
	}
	return err
}

func printSecret(cmd *cobra.Command, _ []string) error {
	Printf(cmd.OutOrStdout(), "%s\n", settings.NewSecret().Bytes())
	return nil
}

func newKeyCommand() *cobra.Command {
	var algorithm, file string
	newKey := command("new", "Write a new private key to a file that only its owner can read", func(cmd *cobra.Command, _ []string) error {
		pem, err := token.NewKey(algorithm)
		if err != nil {
			return fmt.Errorf("--algorithm: %w", err)
		}
		if err := settings.WriteNew(file, pem); err != nil {
			return err
		}
		Printf(cmd.OutOrStdout(), "%s is written. To sign with it, set APP_JWT_ALGORITHM=%s and APP_JWT_KEY_FILE=%s\n", file, algorithm, file)
		return nil
	})
	newKey.Flags().StringVar(&algorithm, "algorithm", token.EdDSA, "EdDSA, ES256 or RS256")
	newKey.Flags().StringVar(&file, "out", "data/jwt_key.pem", "the file, which must not exist yet")
	return newKey
}
