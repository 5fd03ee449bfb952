package ticket_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/ticket"
)

// A link in a mail that accepts an invitation, once and within a day.
func Example() {
	folder, err := os.MkdirTemp("", "ticket")
	check(err)
	defer os.RemoveAll(folder)
	of := database.Defaults()
	of.URL = "sqlite://" + filepath.Join(folder, "app.db")
	db, err := database.Open(of, database.Schema{ticket.CreateUsedTickets}, slog.New(slog.DiscardHandler))
	check(err)
	defer database.Close(db)
	check(database.Migrate(db))

	type invitation struct{ Team string }
	tickets := ticket.Tickets[invitation]{DB: db, Keys: seal.Derive([]settings.Secret{settings.NewSecret()}, "invitations")}
	toAccept := ticket.Purpose{Name: "accept", TTL: 24 * time.Hour}
	text := tickets.Issue(invitation{"Ravens"}, toAccept)

	opened, ok := tickets.Open(text, toAccept)
	fmt.Println(opened.Value.Team, ok)
	again := errors.New("this invitation was accepted before")
	fmt.Println(opened.Use(db, again))
	fmt.Println(opened.Use(db, again))
	_, ok = tickets.Open(text, ticket.Purpose{Name: "decline", TTL: 24 * time.Hour})
	fmt.Println(ok)
	// Output:
	// Ravens true
	// <nil>
	// this invitation was accepted before
	// false
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
