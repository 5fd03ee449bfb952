package database_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/problem"
)

// The schema is a list of migrations. A duplicate is an error that can be answered.
func Example() {
	folder, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(folder)
	settings, log := database.Defaults(), slog.New(slog.DiscardHandler)
	settings.URL = "sqlite://" + filepath.Join(folder, "app.db")
	db, err := database.Open(settings, database.Schema{{
		ID:      "20270101_create_books",
		Migrate: func(tx *gorm.DB) error { return database.Exec(tx, "CREATE TABLE books (title text PRIMARY KEY)") },
	}}, log)
	if err != nil {
		panic(err)
	}
	defer database.Close(db)
	fmt.Println(database.Migrate(db))

	add := func(tx *gorm.DB) error { return database.Exec(tx, "INSERT INTO books VALUES ('Emma')") }
	fmt.Println(database.Transaction(db, add))
	fmt.Println(errors.Is(database.Transaction(db, add), problem.AlreadyExists))
	// Output:
	// <nil>
	// <nil>
	// true
}
