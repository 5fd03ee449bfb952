package commands

import (
	"fmt"

	"github.com/spf13/cobra"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/kit/cli"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/models"
)

func userCommand(line app.CommandLine) *cobra.Command {
	return cli.Group("user", "Manage the users, without the API", userCreate(line), userPassword(line),
		userChange(line, "promote", "Make a user an admin", accounts.Change{Role: new(models.RoleAdmin)}),
		userChange(line, "demote", "Make an admin a user", accounts.Change{Role: new(models.RoleUser)}),
		userChange(line, "disable", "Lock a user out and end the user's sessions", accounts.Change{Disabled: new(true)}),
		userChange(line, "enable", "Let a user log in again", accounts.Change{Disabled: new(false)}))
}

func userCreate(line app.CommandLine) *cobra.Command {
	command := &cobra.Command{Use: "create EMAIL", Short: "Create a user", Args: cobra.ExactArgs(1)}
	read := cli.PasswordFlag(command)
	without := command.Flags().Bool("no-password", false, "set no password: a mail, if this service sends mails, invites the user to choose one")
	command.MarkFlagsMutuallyExclusive("password-file", "no-password")
	command.RunE = line.WithProgram(func(cmd *cobra.Command, args []string, p app.Program) error {
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
			err = endpoint.Check(cmd.Context(), in, p.Accounts.CheckInvited)
		}
		if err != nil {
			return err
		}
		user, err := p.Accounts.Invite(cmd.Context(), in)
		if err != nil {
			return err
		}
		cli.Printf(cmd.OutOrStdout(), "%s is user %s.\n", user.Email, user.ID)
		return nil
	})
	return command
}

func userPassword(line app.CommandLine) *cobra.Command {
	command := &cobra.Command{Use: "password EMAIL", Short: "Give a user a new password and end the user's sessions", Args: cobra.ExactArgs(1)}
	read := cli.PasswordFlag(command)
	command.RunE = line.WithUser(func(cmd *cobra.Command, p app.Program, user models.User) error {
		var newPassword password.Password
		if err := read(&newPassword); err != nil {
			return err
		}
		if err := p.Accounts.SetPassword(cmd.Context(), user, newPassword); err != nil {
			return err
		}
		cli.Printf(cmd.OutOrStdout(), "%s has a new password.\n", user.Email)
		return nil
	})
	return command
}

func userChange(line app.CommandLine, use, short string, change accounts.Change) *cobra.Command {
	return &cobra.Command{
		Use:   use + " EMAIL",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: line.WithUser(func(cmd *cobra.Command, p app.Program, user models.User) error {
			changed, err := p.Accounts.Change(cmd.Context(), user.ID, change)
			if err != nil {
				return err
			}
			cli.Printf(cmd.OutOrStdout(), "%s: role %s, disabled %t.\n", changed.Email, changed.Role, changed.Disabled)
			return nil
		}),
	}
}
