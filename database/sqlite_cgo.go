//go:build cgo

package database

import (
	"net/url"

	_ "github.com/mattn/go-sqlite3" // pinned newer than the dialector asks for
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
)

// newSQLite is the C library, the faster of the two builds.
func newSQLite(path string) gorm.Dialector {
	return sqlite.Open("file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_journal_mode=WAL&_busy_timeout=5000&_foreign_keys=1&_synchronous=NORMAL&_txlock=immediate")
}
