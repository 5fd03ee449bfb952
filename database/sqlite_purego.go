//go:build !cgo

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

// newSQLite is the same library translated to Go, for machines without a C compiler.
func newSQLite(path string) gorm.Dialector {
	return pureGo{&sqlite.Dialector{
		DriverName: "sqlite",
		DSN: "file:" + (&url.URL{Path: path}).EscapedPath() +
			"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(NORMAL)&_txlock=immediate&_time_format=sqlite",
	}}
}

// pureGo gives problem.Unavailable, and GORM's errors for this driver's, whose
// shape the dialector does not know.
type pureGo struct{ *sqlite.Dialector }

func (d pureGo) Translate(err error) error {
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
