package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/problem"
)

// ErrSQLiteOnly is the error of Backup and Restore for PostgreSQL.
var ErrSQLiteOnly = errors.New("this is for SQLite only: for PostgreSQL, use pg_dump and pg_restore")

// Backup writes a consistent copy of a SQLite database to a new file, also while
// others use it.
func Backup(db *gorm.DB, file string) (err error) {
	if db.Name() != "sqlite" {
		return ErrSQLiteOnly
	}
	switch has, err := hasMigrations(db); {
	case err != nil:
		return err
	case !has:
		return errors.New("there is nothing to back up: the database has no tables")
	}
	path, err := filepath.Abs(file) // for SQLite, some relative names are not files, such as file:x?mode=memory
	if err != nil {
		return err
	}
	target, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // SQLite would let everybody read it
	if err != nil {
		return err
	}
	// Connections for reading have no timeout.
	_, err = poolOf(db).readers.ExecContext(db.Statement.Context, "VACUUM INTO ?", path)
	if err = errors.Join(target.Close(), err); err == nil {
		_, err = checkFile(path, poolOf(db).schema)
	}
	if err == nil {
		err = removeLogs(path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot back up to %s: %w", file, err), os.Remove(path))
	}
	return nil
}

// Restore replaces a SQLite database that nobody uses with a backup. It returns the
// new name of the previous database, or "" if there was none.
func Restore(file string, settings Settings, schema Schema) (previous string, err error) {
	if isPostgres(settings.URL) {
		return "", ErrSQLiteOnly
	}
	path := filePath(settings.URL)
	folder := path + ".restoring"
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o700)); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	next := filepath.Join(folder, "next.db")
	if err := copyFile(file, next); err != nil {
		return "", err
	}
	backup, err := checkFile(next, schema)
	if err == nil {
		err = checkSchema(backup, filepath.Join(folder, "fresh.db"), schema)
	}
	if err != nil {
		return "", fmt.Errorf("%s is not a backup that can be restored: %w", file, err)
	}
	if previous, err = renamePrevious(path); err != nil {
		return "", err
	}
	return previous, os.Rename(next, path)
}

// logSuffixes name the files of SQLite beside a database. If those of another
// database stay, SQLite applies them to this one.
var logSuffixes = []string{"-wal", "-shm", "-journal"}

// renamePrevious gives the file at path a second name, and renames its logs.
func renamePrevious(path string) (previous string, err error) {
	name := path + time.Now().UTC().Format(".20060102T150405.000000")
	if _, err := os.Stat(path); err == nil {
		// A damaged file fails with another error, and is also replaced.
		if err := removeLogs(path); err != nil && (errors.Is(err, problem.Unavailable) || isLocked(err)) {
			return "", fmt.Errorf("cannot replace %s: stop the program that uses it: %w", path, err)
		}
		if err := os.Link(path, name); err != nil {
			return "", err
		}
		previous = name
	}
	for _, suffix := range logSuffixes {
		if err := os.Rename(path+suffix, name+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return previous, err
		}
	}
	return previous, nil
}

func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}

// removeLogs moves the content of the logs into the file. SQLite does this only if
// nobody else has the file open.
func removeLogs(path string) (err error) {
	file, err := newSQLiteFile(path)
	if err != nil {
		return err
	}
	pool := sql.OpenDB(file)
	defer func() { err = errors.Join(err, pool.Close()) }()
	if _, err := pool.ExecContext(context.Background(), "PRAGMA journal_mode = DELETE"); err != nil {
		return sqliteDialector{}.Translate(err)
	}
	return nil
}
