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
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"example.com/latchkey/kit/problem"
)

// maxReaders connections read and stay open. By default, database/sql would open one
// for each concurrent request, and keep only two open.
const maxReaders = 8

// writeTimeout is how long a write waits for other writes, also of other processes.
const writeTimeout = 5 * time.Second

// How long programs that start together on a new file wait for each other.
const (
	lockTimeout = 5 * time.Second
	lockPause   = 20 * time.Millisecond
)

// openSQLite fails if the file does not exist.
func openSQLite(path string) (*gorm.DB, error) {
	path, err := filepath.Abs(path) // for SQLite, some relative names are not files, such as :memory:
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	connector, err := modernc.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() +
		"?mode=rw&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(NORMAL)&_pragma=journal_size_limit(" + strconv.Itoa(maxLog) + ")&_txlock=immediate&_time_format=sqlite")
	if err != nil {
		return nil, err
	}
	file := &sqliteFile{connector, path, info}
	p := &pool{DB: sql.OpenDB(file), readers: sql.OpenDB(file), timeout: writeTimeout}
	// SQLite has one writer at a time, and others wait for it in no order, some for a
	// second. Here they wait in order for the only connection that writes.
	p.SetMaxOpenConns(1)
	p.readers.SetMaxOpenConns(maxReaders)
	p.readers.SetMaxIdleConns(maxReaders)
	return p.open(sqliteDialector{&sqlite.Dialector{Conn: p}})
}

// maxLog, in bytes, is the size to which SQLite truncates its write-ahead log (the
// -wal file), after the log grew because of a long reader.
const maxLog = 16 << 20

// makeFile makes an empty file, if there is none, that only its owner can read. A file
// made by SQLite could be read by all. The logs get the same permissions.
func makeFile(path string) error {
	// An existing file is not opened, because closing it would release SQLite's locks.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// sqliteFile opens connections to a file, but not to another file that has replaced
// it.
type sqliteFile struct {
	driver.Connector
	path string
	info os.FileInfo
}

// checkInPlace fails if the file was deleted or replaced, because later writes to it
// would be lost.
func (f *sqliteFile) checkInPlace() error {
	now, err := os.Stat(f.path)
	if err == nil && os.SameFile(now, f.info) {
		return nil
	}
	cause := fmt.Errorf("%s was deleted or replaced while it was open: put it back, or start the program again; %w", f.path, cmp.Or(err, os.ErrNotExist))
	return problem.Unavailable.Detailed("The file of the database was deleted or replaced").Because(cause)
}

func (f *sqliteFile) Connect(ctx context.Context) (driver.Conn, error) {
	if err := f.checkInPlace(); err != nil {
		return nil, err
	}
	opened, err := f.Connector.Connect(ctx)
	// busy_timeout does not apply when a new file is switched to WAL, so wait here.
	for deadline := time.Now().Add(lockTimeout); err != nil && isLocked(err) && ctx.Err() == nil && time.Now().Before(deadline); {
		time.Sleep(lockPause)
		opened, err = f.Connector.Connect(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &connection{opened.(sqliteConn), f, map[string]driver.Stmt{}}, nil
}

// isLocked reports whether SQLite refused a lock, for errors that GORM has not
// translated, such as those of its Open.
func isLocked(err error) bool { return strings.Contains(err.Error(), "is locked") }

// sqliteDialector translates the errors of the driver, which GORM's dialector does not
// know.
type sqliteDialector struct{ *sqlite.Dialector }

// Translate returns problem.Unavailable for an error that a retry may solve, that of
// alreadyExists for a duplicate, and else the error of GORM.
func (d sqliteDialector) Translate(err error) error {
	var failed *modernc.Error
	switch {
	case isClosed(err), errors.As(err, &failed) && isTemporaryCode(failed.Code()&0xff):
		return problem.Unavailable.Because(err)
	case failed == nil:
		return err
	}
	switch failed.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		var columns []string // of a message such as: UNIQUE constraint failed: tasks.owner_id, tasks.title
		for _, column := range tableColumn.FindAllStringSubmatch(err.Error(), -1) {
			columns = append(columns, column[1])
		}
		return alreadyExists(err, columns)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return gorm.ErrForeignKeyViolated
	}
	return err
}

var tableColumn = regexp.MustCompile(`\b\w+\.(\w+)`)

// isTemporaryCode reports whether a primary result code of SQLite is not the fault of
// the statement: another process writes for too long, or the disk is full or fails.
func isTemporaryCode(code int) bool {
	return slices.Contains([]int{sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN}, code)
}
