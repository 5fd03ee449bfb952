package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"example.com/latchkey/problem"
)

// maxReaders, in connections, are kept open: database/sql would open one for
// each request at once, and close all but two again.
const maxReaders = 8

// How long a write waits for its turn and for other processes' locks, and how
// long a transaction may take with that.
const (
	writeTurn      = 5 * time.Second
	maxTransaction = 10 * time.Second
)

// Programs that start together on a new file wait for each other.
const (
	lockPatience = 5 * time.Second
	lockPause    = 20 * time.Millisecond
)

func openSQLite(path string) (*gorm.DB, error) {
	file, err := newSQLiteFile(path)
	if err != nil {
		return nil, err
	}
	writer, readers := sql.OpenDB(file), sql.OpenDB(file)
	// SQLite takes one writer at a time, and lets others wait without order, some
	// for a second; they wait for the one connection instead.
	writer.SetMaxOpenConns(1)
	readers.SetMaxOpenConns(maxReaders)
	readers.SetMaxIdleConns(maxReaders)
	db, err := gorm.Open(local{&sqlite.Dialector{Conn: writer}}, gormConfig())
	if err == nil {
		err = db.Use(access{readers: readers, statement: writeTurn, turn: writeTurn, transaction: maxTransaction})
	}
	if err != nil {
		return nil, errors.Join(err, writer.Close(), readers.Close())
	}
	return db, nil
}

// sqliteFile opens connections to a file.
type sqliteFile struct{ driver.Connector }

func newSQLiteFile(path string) (*sqliteFile, error) {
	connector, err := modernc.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(NORMAL)&_txlock=immediate&_time_format=sqlite")
	return &sqliteFile{connector}, err
}

func (f *sqliteFile) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := f.Connector.Connect(ctx)
	// Unlike all else, the switch of a new file to WAL does not wait for a lock.
	for patience := time.Now().Add(lockPatience); err != nil && isLocked(err) && time.Now().Before(patience); {
		time.Sleep(lockPause)
		opened, err = f.Connector.Connect(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &connection{opened.(sqliteConn), map[string]driver.Stmt{}}, nil
}

// isLocked knows SQLite's word where an error is not GORM's yet, as from its Open.
func isLocked(err error) bool { return strings.Contains(err.Error(), "is locked") }

// local is SQLite, whose driver's errors the dialector does not know.
type local struct{ *sqlite.Dialector }

// Translate gives problem.Unavailable where SQLite refuses for the moment, and
// GORM's errors.
func (d local) Translate(err error) error {
	var failed *modernc.Error
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

// isRefused reports whether a primary result code of SQLite's is of the moment,
// and not of the statement: another process writes for too long, or the disk is
// full or fails.
func isRefused(code int) bool {
	return slices.Contains([]int{sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN}, code)
}
