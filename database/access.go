package database

import (
	"database/sql"
	"errors"
	"strings"

	"gorm.io/gorm"
)

// access is how statements outside a transaction reach the database.
type access struct {
	readers *sql.DB // SQLite's connections for what only reads
}

// Name is GORM's to find the plugin by.
func (access) Name() string { return "access" }

func accessOf(db *gorm.DB) access {
	with, _ := db.Plugins[access{}.Name()].(access)
	return with
}

// Initialize puts access around all that runs statements.
func (a access) Initialize(db *gorm.DB) error {
	all := db.Callback()
	return errors.Join(
		a.around(all.Create(), "gorm:create"), a.around(all.Query(), "gorm:query"), a.around(all.Update(), "gorm:update"),
		a.around(all.Delete(), "gorm:delete"), a.around(all.Row(), "gorm:row"), a.around(all.Raw(), "gorm:raw"),
	)
}

type processor interface {
	Get(name string) func(*gorm.DB)
	Replace(name string, with func(*gorm.DB)) error
}

func (a access) around(of processor, name string) error {
	run := of.Get(name)
	asks := name == "gorm:query" || name == "gorm:row"
	return of.Replace(name, func(db *gorm.DB) {
		statement := db.Statement
		pool := statement.ConnPool
		if pool == db.ConnPool && a.readers != nil && asks && reads(statement) {
			statement.ConnPool = a.readers
		}
		run(db)
		statement.ConnPool = pool
	})
}

// reads reports whether a statement that gives rows writes none.
func reads(statement *gorm.Statement) bool {
	_, locks := statement.Clauses["FOR"]
	text := strings.TrimSpace(statement.SQL.String())
	return !locks && (text == "" || strings.EqualFold(text[:min(len(text), 6)], "select"))
}
