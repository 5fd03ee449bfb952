package database_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
)

// missingFile returns the settings of a missing file in an existing folder.
func missingFile(t *testing.T) database.Settings {
	return inFile(filepath.Join(t.TempDir(), "app.db"))
}

// For SQLite, some names are not files.
func TestABackupIsTheNamedFile(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	db := open(t, newFile(t))
	users, sessions := fill(t, db)
	t.Chdir(t.TempDir())
	names := []string{"b.db", ":memory:", "file:b.db", "file:b.db?mode=memory", "file::memory:", "b#1?%41.db"}
	for _, name := range names {
		restored := missingFile(t)
		err := database.Backup(db, name)
		if err == nil {
			_, err = database.Restore(name, restored, schema)
		}
		if err != nil {
			t.Error(name, err)
			continue
		}
		checkContent(t, open(t, restored), users, sessions)
	}
	if files, err := os.ReadDir("."); err != nil || len(files) != len(names) {
		t.Error(files, err)
	}
}

func TestABackupMustHaveTheSchemaOfItsMigrations(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	for claim, c := range map[string]struct {
		change []string
		want   string // "" for no error
	}{
		"unchanged":                      {nil, ""},
		"with a table of its own":        {[]string{"CREATE TABLE things (n INTEGER)"}, ""},
		"with an index of its own":       {[]string{"CREATE INDEX by_role ON users (role)"}, ""},
		"without its tables":             {[]string{"DROP TABLE sessions", "DROP TABLE users"}, "its table users is missing"},
		"without its migrations":         {[]string{"DELETE FROM migrations"}, "none of this program's migrations"},
		"without a column":               {[]string{"ALTER TABLE users DROP COLUMN name"}, "its table users is missing, or differs"},
		"without an index":               {[]string{"DROP INDEX idx_users_email"}, "its index idx_users_email is missing"},
		"with another default":           {[]string{"PRAGMA writable_schema = ON", "UPDATE sqlite_master SET sql = replace(sql, '`role` text NOT NULL', '`role` text NOT NULL DEFAULT ''admin''') WHERE name = 'users'"}, "its table users is missing, or differs"},
		"with a view instead of a table": {[]string{"PRAGMA legacy_alter_table = ON", "ALTER TABLE users RENAME TO people", "CREATE VIEW users AS SELECT *, 'admin' AS role FROM people"}, "its table users is missing"},
		"with a view of its own":         {[]string{"CREATE VIEW admins AS SELECT * FROM users"}, "it has a view that no migration makes: admins"},
		"with a trigger of its own":      {[]string{"CREATE TRIGGER crown AFTER INSERT ON users BEGIN UPDATE users SET role = 'admin'; END"}, "it has a trigger that no migration makes: crown"},
		"with another users table":       {[]string{"DROP TABLE sessions", "DROP TABLE users", "CREATE TABLE users (id INTEGER)"}, "its table users is missing, or differs"},
	} {
		t.Run(claim, func(t *testing.T) {
			from, to := newFile(t), missingFile(t)
			db := open(t, from)
			var err error
			for _, statement := range c.change {
				err = errors.Join(err, db.Exec(statement).Error)
			}
			if err := errors.Join(err, database.Close(db)); err != nil {
				t.Fatal(err)
			}
			_, err = database.Restore(strings.TrimPrefix(from.URL, "sqlite://"), to, schema)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestABackupOfAnOlderProgramIsRestored(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	settings, backup := newFile(t), filepath.Join(t.TempDir(), "backup.db")
	db := open(t, settings)
	undone, err := database.Rollback(db)
	if err := errors.Join(err, database.Backup(db, backup), database.Close(db)); err != nil {
		t.Fatal(err)
	}
	if _, err := database.Restore(backup, settings, schema); err != nil {
		t.Fatal(err)
	}
	restored, err := database.OpenExisting(settings, schema, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = database.Close(restored) }()
	if pending, err := database.Pending(restored); err != nil || len(pending) != 1 || pending[0] != undone {
		t.Error(pending, err)
	}
}
