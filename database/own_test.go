package database_test

import (
	"testing"

	"example.com/latchkey/apptest"
	"example.com/latchkey/database"
)

// A project with its own migrations gets a later one of the template.
func TestALaterMigrationOfTheTemplateIsAppliedAndUndoneFirst(t *testing.T) {
	const later = "20261125_add_user_names"
	db := open(t, apptest.NewDatabase(t))
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
	if !db.Migrator().HasTable("users") || db.Migrator().HasColumn("users", "name") {
		t.Error("another change was undone")
	}
}
