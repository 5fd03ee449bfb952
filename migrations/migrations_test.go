package migrations_test

import (
	"log/slog"
	"os"
	"testing"

	"example.com/latchkey/app"
	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/parts"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

func TestEachMigrationIsUndoneCompletely(t *testing.T) {
	kit.NewProgram(app.Schema(parts.All()), nil).HoldMigrations(t)
}

// A project with its own migrations gets a later one of the template.
func TestALaterMigrationOfTheTemplateIsAppliedAndUndoneFirst(t *testing.T) {
	const later = "20261125_add_user_names"
	db := apptest.Open(t, kit.NewDatabase(t), slog.New(slog.DiscardHandler))
	undo := db.Exec("ALTER TABLE users DROP COLUMN name")
	deleted := db.Exec("DELETE FROM migrations WHERE id = ?", later)
	if undo.Error != nil || deleted.Error != nil || deleted.RowsAffected != 1 {
		t.Fatal(undo.Error, deleted.Error, deleted.RowsAffected)
	}
	if pending, err := database.Pending(db); err != nil || len(pending) != 1 || pending[0] != later {
		t.Fatalf("pending: %q, %v", pending, err)
	}
	if err := database.Migrate(db); err != nil {
		t.Fatal(err)
	}
	if undone, err := database.Rollback(db); err != nil || undone != later {
		t.Errorf("undone: %q, %v", undone, err)
	}
	if !db.Migrator().HasTable("users") || db.Exec("SELECT name FROM users").Error == nil { // HasColumn of SQLite finds username too
		t.Error("another change was undone")
	}
}
