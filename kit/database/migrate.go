package database

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// Schema is the list of all migrations of a program, oldest first.
type Schema []*gormigrate.Migration

const migrationTable = "migrations"

// ErrNewer is the error for a database that a later version of the program has
// migrated.
var ErrNewer = errors.New("the database is newer than this program: it has a migration that this program does not have; run the newer program, or use another database")

// Migration is a change of the schema, and whether it is applied.
type Migration struct {
	ID      string
	Applied bool
}

// Migrations returns the migrations of the schema, oldest first. The error is
// ErrNewer if the database has others too; the result is then also correct.
func Migrations(db *gorm.DB) (all []Migration, err error) {
	exists := "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = ?)" // GORM's HasTable hides its error, or panics
	if db.Name() == "postgres" {
		exists = "SELECT to_regclass(?) IS NOT NULL"
	}
	var has bool
	var applied []string
	err = db.Raw(exists, migrationTable).Scan(&has).Error
	if has {
		err = db.Table(migrationTable).Pluck("id", &applied).Error
	}
	if err != nil {
		return nil, err
	}
	for _, m := range poolOf(db).schema {
		at := slices.Index(applied, m.ID)
		all = append(all, Migration{m.ID, at >= 0})
		if at >= 0 {
			applied = slices.Delete(applied, at, at+1)
		}
	}
	if len(applied) > 0 {
		err = ErrNewer
	}
	return all, err
}

// Pending returns the ids of the migrations that are not applied.
func Pending(db *gorm.DB) (ids []string, err error) {
	all, err := Migrations(db)
	for _, m := range all {
		if !m.Applied {
			ids = append(ids, m.ID)
		}
	}
	return ids, err
}

// Migrate applies all pending migrations, or none. The error is ErrNewer for a newer
// database.
func Migrate(db *gorm.DB) error {
	return withMigrationLock(db, func(tx *gorm.DB, all *gormigrate.Gormigrate) error {
		if _, err := Migrations(tx); err != nil {
			return err
		}
		return all.Migrate()
	})
}

// Rollback undoes the migration that was applied last, which deletes the data of its
// tables and columns, and returns its id, or "" if there was none. The error is
// ErrNewer for a newer database.
func Rollback(db *gorm.DB) (undone string, err error) {
	err = withMigrationLock(db, func(tx *gorm.DB, runner *gormigrate.Gormigrate) error {
		all, err := Migrations(tx)
		if err != nil || !slices.ContainsFunc(all, func(m Migration) bool { return m.Applied }) {
			return err
		}
		// It may not be the last one of the list. Rows are only added and deleted at
		// the end of the table, so they are in the order of application.
		order := "rowid DESC"
		if tx.Name() == "postgres" {
			order = "ctid DESC"
		}
		if err := tx.Table(migrationTable).Order(order).Limit(1).Pluck("id", &undone).Error; err != nil {
			return err
		}
		list := poolOf(db).schema
		return runner.RollbackMigration(list[slices.IndexFunc(list, func(m *gormigrate.Migration) bool { return m.ID == undone })])
	})
	return undone, err
}

// migrationLock is the number of the lock with which programs that start together
// wait for each other. Any number works that nobody else uses.
const migrationLock = 7_526_466_402

// withMigrationLock changes the schema in a transaction, which runs in one program at
// a time.
func withMigrationLock(db *gorm.DB, change func(tx *gorm.DB, all *gormigrate.Gormigrate) error) error {
	err := db.Transaction(func(tx *gorm.DB) error {
		if tx.Name() == "postgres" { // SQLite has one writer anyway
			// A migration may take long, and so may the wait for another program's.
			// But the wait for a table keeps lock_timeout, because every other
			// statement on that table waits behind it.
			if err := Exec(tx, "SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0", "SET LOCAL lock_timeout = 0",
				fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", migrationLock), setLockTimeout(poolOf(tx).lockTimeout)); err != nil {
				return err
			}
		}
		return change(tx, gormigrate.New(tx, &gormigrate.Options{TableName: migrationTable, IDColumnName: "id", IDColumnSize: 255}, poolOf(tx).schema))
	})
	if err != nil && !errors.Is(err, ErrNewer) {
		return fmt.Errorf("cannot migrate the database: %w", err)
	}
	return err
}
