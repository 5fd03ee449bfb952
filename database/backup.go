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

	"example.com/latchkey/config"
	"example.com/latchkey/problem"
)

// ErrOwnTools is the error of a backup of PostgreSQL.
var ErrOwnTools = errors.New("this is for SQLite: PostgreSQL brings pg_dump and pg_restore")

// Backup writes a copy of an SQLite database to a new file, as it is at one
// moment, while others use it.
func Backup(db *gorm.DB, file string) (err error) {
	if db.Name() != "sqlite" {
		return ErrOwnTools
	}
	switch begun, err := hasMigrations(db); {
	case err != nil:
		return err
	case !begun:
		return errors.New("there is nothing to back up: the database has no tables")
	}
	path, err := filepath.Abs(file) // SQLite gives a meaning to some relative ones, as file:x?mode=memory
	if err != nil {
		return err
	}
	made, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // SQLite would let all read it
	if err != nil {
		return err
	}
	// On a connection that reads, and has no limit of time.
	_, err = accessOf(db).readers.ExecContext(db.Statement.Context, "VACUUM INTO ?", path)
	if err = errors.Join(made.Close(), err); err == nil {
		_, err = sound(path)
	}
	if err == nil {
		err = settle(path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot back up to %s: %w", file, err), os.Remove(path))
	}
	return nil
}

// Restore puts a backup in the place of an SQLite database that nobody uses,
// and says under which name it has kept what was there, "" for nothing.
func Restore(file string, settings config.Database) (kept string, err error) {
	if isPostgres(settings.URL) {
		return "", ErrOwnTools
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
	theirs, err := sound(next)
	if err == nil {
		err = compare(theirs, filepath.Join(folder, "fresh.db"))
	}
	if err != nil {
		return "", fmt.Errorf("%s is no backup to restore: %w", file, err)
	}
	if kept, err = keep(path); err != nil {
		return "", err
	}
	return kept, os.Rename(next, path)
}

// logs are what SQLite keeps beside a file. It would play those of another one
// into it.
var logs = []string{"-wal", "-shm", "-journal"}

// keep gives what is at path another name besides, and takes its logs away.
func keep(path string) (kept string, err error) {
	name := path + time.Now().UTC().Format(".20060102T150405.000000")
	if _, err := os.Stat(path); err == nil {
		// One that is damaged cannot be asked, and is to be replaced all the same.
		if err := settle(path); err != nil && (errors.Is(err, problem.Unavailable) || isLocked(err)) {
			return "", fmt.Errorf("cannot put a backup in the place of %s: stop the program that uses it: %w", path, err)
		}
		if err := os.Link(path, name); err != nil {
			return "", err
		}
		kept = name
	}
	for _, of := range logs {
		if err := os.Rename(path+of, name+of); err != nil && !errors.Is(err, os.ErrNotExist) {
			return kept, err
		}
	}
	return kept, nil
}

func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	made, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(made, source)
	return errors.Join(err, made.Sync(), made.Close())
}

// settle makes one file of a database again, without its log of writes. SQLite
// does that only where nobody else has it open.
func settle(path string) (err error) {
	file, err := newSQLiteFile(path)
	if err != nil {
		return err
	}
	pool := sql.OpenDB(file)
	defer func() { err = errors.Join(err, pool.Close()) }()
	if _, err := pool.ExecContext(context.Background(), "PRAGMA journal_mode = DELETE"); err != nil {
		return local{}.Translate(err)
	}
	return nil
}
