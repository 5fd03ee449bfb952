package database_test

import (
	"testing"

	"example.com/latchkey/apptest"
	"example.com/latchkey/database"
)

// A project that has its own migrations takes a later one of the template.
func TestALaterMigrationOfTheTemplateIsAppliedAndIsTheFirstToBeUndone(t *testing.T) {
	const later = "20261125_add_user_names"
	db := open(t, apptest.NewDatabase(t))
	undo := db.Exec("ALTER TABLE users DROP COLUMN name")
	forgotten := db.Exec("DELETE FROM migrations WHERE id = ?", later)
	if undo.Error != nil || forgotten.Error != nil || forgotten.RowsAffected != 1 {
		t.Fatal(undo.Error, forgotten.Error, forgotten.RowsAffected)
	}
	if pending, err := database.Pending(db); err != nil || len(pending) != 1 || pending[0] != later {
		t.Fatalf("pending are %q, %v", pending, err)
	}
	if err := database.Migrate(db); err != nil {
		t.Fatal(err)
	}
	if undone, err := database.Rollback(db); err != nil || undone != later {
		t.Errorf("undone is %q, %v", undone, err)
	}
	if !db.Migrator().HasTable("users") || db.Migrator().HasColumn("users", "name") {
		t.Error("another change was undone")
	}
}
