package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/models"
)

const (
	// followPause is how often --follow looks for new events.
	followPause = time.Second

	// An event gets its id before its transaction is committed, and the clocks of
	// replicas differ. So --follow also looks for ids this much older than the newest.
	followOverlap = time.Minute
)

// shownEvent is an event with the emails of its users, nil for deleted ones.
type shownEvent struct {
	models.Event
	UserEmail, ActorEmail *models.Email
}

func eventsCommand() *cobra.Command {
	var user, kind string
	var last int
	var follow bool
	command := &cobra.Command{
		Use:   "events",
		Short: "Print what happened to the accounts, the newest last",
		Args:  cobra.NoArgs,
		RunE: withBackend(func(cmd *cobra.Command, _ []string, b backend) error {
			if last < 1 {
				return fmt.Errorf("--last: %d is not greater than 0", last)
			}
			rows, err := selectEvents(cmd.Context(), b.db, user, kind)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return printEvents(ctx, cmd.OutOrStdout(), rows, last, follow)
		}),
	}
	command.Flags().StringVar(&user, "user", "", "only of the user with this email or id; a deleted user has only the id")
	command.Flags().StringVar(&kind, "kind", "", fmt.Sprint("only of this kind, one of ", accounts.Kinds))
	command.Flags().IntVar(&last, "last", 100, "how many events to begin with")
	command.Flags().BoolVar(&follow, "follow", false, "go on with what happens, until Ctrl+C")
	return command
}

// selectEvents selects the events of a user or of a kind.
func selectEvents(ctx context.Context, db *gorm.DB, user, kind string) (*gorm.DB, error) {
	rows := db.WithContext(ctx).Table("events").Select("events.*, users.email AS user_email, actors.email AS actor_email").
		Joins("LEFT JOIN users ON users.id = events.user_id").Joins("LEFT JOIN users AS actors ON actors.id = events.actor_id")
	if user != "" {
		id, err := uuid.FromString(user)
		if err != nil {
			found, err := findUser(ctx, db, user)
			if err != nil {
				return nil, err
			}
			id = found.ID
		}
		rows = rows.Where("events.user_id = ?", id)
	}
	if kind != "" {
		var is accounts.Kind
		if err := is.UnmarshalText([]byte(kind)); err != nil {
			return nil, fmt.Errorf("--kind %w", err)
		}
		rows = rows.Where("events.kind = ?", is)
	}
	return rows.Session(&gorm.Session{}), nil // for many queries
}

// printEvents prints the last events of rows, the newest last. With follow, it goes on
// until ctx ends.
func printEvents(ctx context.Context, out io.Writer, rows *gorm.DB, last int, follow bool) error {
	var events []shownEvent
	err := rows.WithContext(ctx).Order("events.id DESC").Limit(last).Find(&events).Error
	slices.Reverse(events)
	var after uuid.UUID
	if len(events) == last { // there may be older ones
		after = events[0].ID
	}
	for printed := map[uuid.UUID]bool{}; err == nil; {
		found := map[uuid.UUID]bool{}
		for _, event := range events {
			if found[event.ID] = true; !printed[event.ID] {
				event.print(out)
			}
		}
		if !follow {
			return nil
		}
		printed = found
		if len(events) > 0 {
			after, err = later(after, events[len(events)-1].CreatedAt.Add(-followOverlap))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followPause):
		}
		events = nil
		err = errors.Join(err, rows.WithContext(ctx).Where("events.id > ?", after).Order("events.id").Find(&events).Error)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// later returns the later one of an id and of the ids of a time.
func later(id uuid.UUID, than time.Time) (uuid.UUID, error) {
	other, err := uuid.NewV7AtTime(than)
	if bytes.Compare(other.Bytes(), id.Bytes()) > 0 {
		return other, err
	}
	return id, err
}

// print prints a line with what happened, by whom and from where.
func (e shownEvent) print(out io.Writer) {
	line := fmt.Sprintf("%s  %-18s  %s", e.CreatedAt.UTC().Format(time.RFC3339), e.Kind, who(e.UserID, e.UserEmail))
	switch {
	case e.ActorID != nil:
		line += "  by " + who(e.ActorID, e.ActorEmail)
	case e.RequestID == "":
		line += "  by the command line"
	}
	if e.IP != "" {
		line += "  from " + e.IP
	}
	if len(e.Details) > 0 {
		details, _ := json.Marshal(e.Details) // it was JSON in the database
		line += "  " + string(details)
	}
	printf(out, "%s\n", line)
}

// who names a user by the email or, after the deletion, by the id.
func who(id *uuid.UUID, email *models.Email) string {
	switch {
	case email != nil:
		return string(*email)
	case id != nil:
		return id.String()
	}
	return "unknown"
}
