package database

import (
	"errors"
	"net/url"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"example.com/latchkey/problem"
)

// newSQLite is the C library translated to Go, the same in every build.
func newSQLite(path string) gorm.Dialector {
	return local{&sqlite.Dialector{
		DriverName: "sqlite",
		DSN: "file:" + (&url.URL{Path: path}).EscapedPath() +
			"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(NORMAL)&_txlock=immediate&_time_format=sqlite",
	}}
}

// local is SQLite, whose driver's errors the dialector does not know.
type local struct{ *sqlite.Dialector }

// Translate gives problem.Unavailable where SQLite refuses for the moment, and
// GORM's errors.
func (d local) Translate(err error) error {
	var failed *driver.Error
	switch {
	case isClosed(err), errors.As(err, &failed) && isRefused(failed.Code()&0xff):
		return problem.Unavailable.Because(err)
	case failed == nil:
		return err
	}
	switch failed.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return gorm.ErrDuplicatedKey
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return gorm.ErrForeignKeyViolated
	}
	return err
}
