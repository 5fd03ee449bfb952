package database

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// migrations are all changes of the schema: the template's, the oldest first,
// and then this project's own. Each that a database has not is applied, wherever
// it stands, so a later one of the template's follows the own ones there, and
// precedes them in a new database. A change that has been deployed is never edited.
func migrations() []*gormigrate.Migration {
	return append([]*gormigrate.Migration{
		createUsers,
		createSessions,
		notifyRevocations,
		indexLiveSessions,
		addUserNames,
	}, own()...)
}

const migrationTable = "migrations"

// ErrNewer is the error of a database that a later version of the program has
// migrated.
var ErrNewer = errors.New("the database is newer than this program: it has a migration that this program has not; run the newer program, or name another database")

// Migration is a change of the schema, and whether it is in the database.
type Migration struct {
	ID      string
	Applied bool
}

// Migrations are all of this program, the oldest first. The error is ErrNewer
// where the database has others besides; the answer is right all the same.
func Migrations(db *gorm.DB) (all []Migration, err error) {
	var applied []string
	begun, err := hasMigrations(db)
	if begun {
		err = db.Table(migrationTable).Pluck("id", &applied).Error
	}
	if err != nil {
		return nil, err
	}
	for _, m := range migrations() {
		at := slices.Index(applied, m.ID)
		all = append(all, Migration{m.ID, at >= 0})
		if at >= 0 {
			applied = slices.Delete(applied, at, at+1)
		}
	}
	if len(applied) > 0 {
		return all, ErrNewer
	}
	return all, nil
}

// hasMigrations reports whether any was ever applied. GORM's HasTable hides its
// error, or panics.
func hasMigrations(db *gorm.DB) (has bool, err error) {
	question := "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = ?)"
	if db.Name() == "postgres" {
		question = "SELECT to_regclass(?) IS NOT NULL"
	}
	err = db.Raw(question, migrationTable).Scan(&has).Error
	return has, err
}

// Pending are the ids of the migrations that are not in the database.
func Pending(db *gorm.DB) (ids []string, err error) {
	all, err := Migrations(db)
	for _, m := range all {
		if !m.Applied {
			ids = append(ids, m.ID)
		}
	}
	return ids, err
}

// Migrate brings the schema up to date, all of it or nothing. The error is
// ErrNewer for a newer database.
func Migrate(db *gorm.DB) error {
	return alone(db, migrations(), func(tx *gorm.DB, all *gormigrate.Gormigrate) error {
		if _, err := Migrations(tx); err != nil {
			return err
		}
		return all.Migrate()
	})
}

// Rollback undoes the migration that was applied last, with what its tables
// hold, and gives its id, "" where there was none. The error is ErrNewer for a
// newer database.
func Rollback(db *gorm.DB) (undone string, err error) {
	err = alone(db, migrations(), func(tx *gorm.DB, all *gormigrate.Gormigrate) error {
		begun, begunErr := hasMigrations(tx)
		if _, err := Migrations(tx); err != nil || begunErr != nil || !begun {
			return errors.Join(err, begunErr)
		}
		// It need not be the last of the list. Rows are only ever added at the end
		// and deleted there, so they stand in the order in which they were applied.
		order := "rowid DESC"
		if tx.Name() == "postgres" {
			order = "ctid DESC"
		}
		if err := tx.Table(migrationTable).Order(order).Limit(1).Pluck("id", &undone).Error; err != nil || undone == "" {
			return err
		}
		list := migrations()
		return all.RollbackMigration(list[slices.IndexFunc(list, func(m *gormigrate.Migration) bool { return m.ID == undone })])
	})
	return undone, err
}

// migrationLock is a number of our own, under which programs that start
// together wait for each other.
const migrationLock = 7_526_466_402

// alone changes the schema in one transaction that no other program's meets.
func alone(db *gorm.DB, list []*gormigrate.Migration, change func(tx *gorm.DB, all *gormigrate.Gormigrate) error) error {
	err := db.Transaction(func(tx *gorm.DB) error {
		if tx.Name() == "postgres" { // SQLite has one writer anyway
			// Others' migrations and one's own may take their time; only a table
			// that is in use must not be waited for, for all would wait behind.
			if err := each(tx, "SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0", "SET LOCAL lock_timeout = 0",
				fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", migrationLock), "SET LOCAL lock_timeout TO DEFAULT"); err != nil {
				return err
			}
		}
		return change(tx, gormigrate.New(tx, &gormigrate.Options{TableName: migrationTable, IDColumnName: "id", IDColumnSize: 255}, list))
	})
	if err != nil && !errors.Is(err, ErrNewer) {
		return fmt.Errorf("cannot migrate the database: %w", err)
	}
	return err
}
