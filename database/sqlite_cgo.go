//go:build cgo

package database

import (
	"errors"
	"net/url"

	"github.com/mattn/go-sqlite3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"example.com/latchkey/problem"
)

// newSQLite is the C library, the faster of the two builds.
func newSQLite(path string) gorm.Dialector {
	return inC{&sqlite.Dialector{DSN: "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_journal_mode=WAL&_busy_timeout=5000&_foreign_keys=1&_synchronous=NORMAL&_txlock=immediate"}}
}

// inC gives problem.Unavailable, besides GORM's errors.
type inC struct{ *sqlite.Dialector }

func (d inC) Translate(err error) error {
	var failed sqlite3.Error
	if isClosed(err) || errors.As(err, &failed) && isRefused(int(failed.Code)) {
		return problem.Unavailable.Because(err)
	}
	return d.Dialector.Translate(err)
}
