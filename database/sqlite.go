package database

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// maxLog, in bytes, is what SQLite lets stay of its log (the -wal file), once a
// long reader for which it has grown is done.
const maxLog = 16 << 20

// makeFile makes an empty file where there is none, which its owner alone may
// read: SQLite would let all, and gives its logs the file's permissions.
func makeFile(path string) error {
	// One that is there is not opened: closing it would free SQLite's locks on it.
	made, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return made.Close()
}

// sqliteFile opens connections to a file, and to no other that takes its place.
type sqliteFile struct {
	driver.Connector
	path string
	is   os.FileInfo
}

// newSQLiteFile fails where there is no file.
func newSQLiteFile(path string) (*sqliteFile, error) {
	path, err := filepath.Abs(path) // SQLite gives a meaning to some relative ones, as :memory:
	if err != nil {
		return nil, err
	}
	is, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	connector, err := modernc.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() +
		"?mode=rw&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(NORMAL)&_pragma=journal_size_limit(" + strconv.Itoa(maxLog) + ")&_txlock=immediate&_time_format=sqlite")
	return &sqliteFile{connector, path, is}, err
}

// isThere fails where the file was deleted or replaced, for what is written to
// it then is lost.
func (f *sqliteFile) isThere() error {
	now, err := os.Stat(f.path)
	if err == nil && os.SameFile(now, f.is) {
		return nil
	}
	cause := fmt.Errorf("%s was deleted or replaced while it was open: put it back, or start the program again; %w", f.path, cmp.Or(err, os.ErrNotExist))
	return problem.Unavailable.Detailed("The file of the database was deleted or replaced").Because(cause)
}

func (f *sqliteFile) Connect(ctx context.Context) (driver.Conn, error) {
	if err := f.isThere(); err != nil {
		return nil, err
	}
	opened, err := f.Connector.Connect(ctx)
	// Unlike all else, the switch of a new file to WAL does not wait for a lock.
	for patience := time.Now().Add(lockPatience); err != nil && isLocked(err) && time.Now().Before(patience); {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockPause):
			opened, err = f.Connector.Connect(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	return &connection{opened.(sqliteConn), f, map[string]driver.Stmt{}}, nil
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
