package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/cli"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// CommandLine is what a command is made with.
type CommandLine struct {
	cli.Program[config.Settings]
	Parts []Part
}

// NewProgram makes the Program of a command.
func (c CommandLine) NewProgram(b cli.Backend[config.Settings]) Program {
	return New(App{Settings: b.Settings, Log: b.Log, DB: b.DB, Auth: accounts.NewServices(b.Settings, b.DB), Parts: c.Parts})
}

// WithProgram opens the database that serve or migrate up has made, for a command.
func (c CommandLine) WithProgram(run func(cmd *cobra.Command, args []string, p Program) error) func(*cobra.Command, []string) error {
	return c.WithBackend(func(cmd *cobra.Command, args []string, b cli.Backend[config.Settings]) error {
		return clientError(run(cmd, args, c.NewProgram(b)))
	})
}

// WithUser is WithProgram for a command about the user whose email is its argument.
func (c CommandLine) WithUser(run func(cmd *cobra.Command, p Program, user models.User) error) func(*cobra.Command, []string) error {
	return c.WithProgram(func(cmd *cobra.Command, args []string, p Program) error {
		user, err := findUser(cmd.Context(), p.DB, args[0])
		if err != nil {
			return err
		}
		return run(cmd, p, user)
	})
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

// clientError returns err with the message that a client of the API reads.
func clientError(err error) error {
	var p *problem.Problem
	if errors.As(err, &p) && (p.Status < http.StatusInternalServerError || p.Unwrap() == nil) {
		return errors.New(p.Describe())
	}
	return err
}
