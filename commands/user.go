package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/cli"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

func userCommand() *cobra.Command {
	return cli.Group("user", "Manage the users, without the API", userCreate(), userPassword(),
		userChange("promote", "Make a user an admin", accounts.Change{Role: new(models.RoleAdmin)}),
		userChange("demote", "Make an admin a user", accounts.Change{Role: new(models.RoleUser)}),
		userChange("disable", "Lock a user out and end the user's sessions", accounts.Change{Disabled: new(true)}),
		userChange("enable", "Let a user log in again", accounts.Change{Disabled: new(false)}), userTOTPOff())
}

func userCreate() *cobra.Command {
	command := &cobra.Command{Use: "create EMAIL", Short: "Create a user", Args: cobra.ExactArgs(1)}
	read := passwordFlag(command)
	without := command.Flags().Bool("no-password", false, "set no password: a mail, if this service sends mails, invites the user to choose one")
	command.MarkFlagsMutuallyExclusive("password-file", "no-password")
	command.RunE = program.WithBackend(func(cmd *cobra.Command, args []string, b backend) error {
		var in accounts.InvitedUser
		var err error
		if in.Email, err = models.NewEmail(args[0]); err != nil {
			return fmt.Errorf("email %w", err)
		}
		if !*without {
			in.Password = new(password.Password)
			err = read(in.Password)
		}
		if err == nil {
			err = endpoint.Check(cmd.Context(), in, appOf(b).Accounts().CheckInvited)
		}
		if err != nil {
			return clientError(err)
		}
		user, err := appOf(b).Accounts().Invite(cmd.Context(), in)
		if err != nil {
			return clientError(err)
		}
		cli.Printf(cmd.OutOrStdout(), "%s is user %s.\n", user.Email, user.ID)
		return nil
	})
	return command
}

func userPassword() *cobra.Command {
	command := &cobra.Command{Use: "password EMAIL", Short: "Give a user a new password and end the user's sessions", Args: cobra.ExactArgs(1)}
	read := passwordFlag(command)
	command.RunE = program.WithBackend(func(cmd *cobra.Command, args []string, b backend) error {
		user, err := findUser(cmd.Context(), b.DB, args[0])
		if err != nil {
			return err
		}
		var newPassword password.Password
		if err := read(&newPassword); err != nil {
			return err
		}
		if err := appOf(b).Accounts().SetPassword(cmd.Context(), user, newPassword); err != nil {
			return clientError(err)
		}
		cli.Printf(cmd.OutOrStdout(), "%s has a new password.\n", user.Email)
		return nil
	})
	return command
}

func userChange(use, short string, change accounts.Change) *cobra.Command {
	return &cobra.Command{
		Use:   use + " EMAIL",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: program.WithBackend(func(cmd *cobra.Command, args []string, b backend) error {
			return changeUser(cmd, b, args[0], change)
		}),
	}
}

func changeUser(cmd *cobra.Command, b backend, email string, change accounts.Change) error {
	user, err := findUser(cmd.Context(), b.DB, email)
	if err != nil {
		return err
	}
	changed, err := appOf(b).Accounts().Change(cmd.Context(), user.ID, change)
	if err != nil {
		return clientError(err)
	}
	cli.Printf(cmd.OutOrStdout(), "%s: role %s, disabled %t.\n", changed.Email, changed.Role, changed.Disabled)
	return nil
}

func findUser(ctx context.Context, db *gorm.DB, typed string) (user models.User, err error) {
	email, err := models.NewEmail(typed)
	if err != nil {
		return user, fmt.Errorf("email %w", err)
	}
	err = db.WithContext(ctx).Take(&user, "email = ?", email).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = fmt.Errorf("no user has the email %s", email)
	}
	return user, err
}

// passwordFlag adds --password-file. A password is never an argument, because
// other users of the machine can read arguments.
func passwordFlag(command *cobra.Command) (read func(*password.Password) error) {
	file := command.Flags().String("password-file", "", "read the password from this file instead of the terminal")
	return func(into *password.Password) error {
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

// readPassword reads the file or, without one, asks twice at the terminal.
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

// clientError returns err with the message that a client of the API reads.
func clientError(err error) error {
	var p *problem.Problem
	if errors.As(err, &p) && (p.Status < http.StatusInternalServerError || p.Unwrap() == nil) {
		return errors.New(p.Describe())
	}
	return err
}
