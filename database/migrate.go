package database

import (
	"errors"
	"fmt"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// migrations are all changes of the schema, the oldest first. A change that
// has been deployed is never edited: the next one is added below it.
func migrations() []*gormigrate.Migration {
	return []*gormigrate.Migration{
		createUsers,
		createSessions,
		createNotes,
	}
}

// migrationLock is a number of our own, under which programs that start
// together wait for each other.
const migrationLock = 7_526_466_402

// Migrate brings the schema up to date, all of it or nothing.
func Migrate(db *gorm.DB) error {
	options := &gormigrate.Options{
		TableName: "migrations", IDColumnName: "id", IDColumnSize: 255,
		ValidateUnknownMigrations: true,
	}
	err := db.Transaction(func(tx *gorm.DB) error {
		if tx.Name() == "postgres" { // SQLite has one writer anyway
			if err := tx.Exec("SELECT pg_advisory_xact_lock(?)", migrationLock).Error; err != nil {
				return err
			}
		}
		return gormigrate.New(tx, options, migrations()).Migrate()
	})
	if errors.Is(err, gormigrate.ErrUnknownPastMigration) {
		return errors.New("the database is newer than this program: it has a migration that this program has not; run the newer program, or name another database")
	}
	if err != nil {
		return fmt.Errorf("cannot migrate the database: %w", err)
	}
	return nil
}
