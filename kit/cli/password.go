package cli

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// PasswordFlag adds the flag --password-file. read reads a password from that file or,
// without one, asks twice for it at the terminal, which does not show it. A password is never
// an argument, because other users of the machine can read arguments.
func PasswordFlag(command *cobra.Command) (read func(into encoding.TextUnmarshaler) error) {
	file := command.Flags().String("password-file", "", "read the password from this file instead of the terminal")
	return func(into encoding.TextUnmarshaler) error {
		text, err := readPassword(*file)
		if err != nil {
			return err
		}
		if err := into.UnmarshalText(text); err != nil {
			return fmt.Errorf("the password %w", err)
		}
		return nil
	}
}

func readPassword(file string) ([]byte, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if !utf8.Valid(text) || bytes.HasPrefix(text, []byte("\ufeff")) {
			return nil, fmt.Errorf("%s is not UTF-8 without a byte order mark: write it with printf or an editor, not with > of PowerShell", file)
		}
		return bytes.TrimRight(text, "\r\n"), err
	}
	terminal := int(os.Stdin.Fd())
	if !term.IsTerminal(terminal) {
		return nil, errors.New("there is no terminal to ask for the password: give --password-file")
	}
	ask := func(prompt string) ([]byte, error) {
		fmt.Fprint(os.Stderr, prompt)
		defer fmt.Fprintln(os.Stderr)
		return term.ReadPassword(terminal)
	}
	first, err := ask("Password: ")
	if err != nil {
		return nil, err
	}
	second, err := ask("Again: ")
	if err == nil && !bytes.Equal(first, second) {
		err = errors.New("the passwords differ")
	}
	return first, err
}
