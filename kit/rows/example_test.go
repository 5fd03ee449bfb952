package rows_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/rows"
)

type book struct {
	rows.Base
	Title string `json:"title"`
}

// A list is read in pages, the newest rows first.
func ExampleRead() {
	folder, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(folder)
	settings, log := database.Defaults(), slog.New(slog.DiscardHandler)
	settings.URL = "sqlite://" + filepath.Join(folder, "app.db")
	db, err := database.Open(settings, database.Schema{{ID: "20270101_create_books", Migrate: func(tx *gorm.DB) error {
		return tx.Migrator().CreateTable(&book{})
	}}}, log)
	if err != nil {
		panic(err)
	}
	defer database.Close(db)
	fmt.Println(database.Migrate(db), rows.Create(db, &book{Title: "Emma"}), rows.Create(db, &book{Title: "Persuasion"}))

	page := rows.Page{Limit: new(1)} // the input of a route, from ?limit=1
	for more := true; more; more = page.Cursor != nil {
		list, err := rows.Read[book](db, page)
		fmt.Println(list.Items[0].Title, err)
		page.Cursor = list.NextCursor
	}
	// Output:
	// <nil> <nil> <nil>
	// Persuasion <nil>
	// Emma <nil>
}
