package database

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/problem"
)

// ErrSQLiteOnly is the error of Backup and Restore for PostgreSQL.
var ErrSQLiteOnly = errors.New("this is for SQLite only: for PostgreSQL, use pg_dump and pg_restore")

// Backup writes a consistent copy of a SQLite database to a new file, also while
// others use it.
func Backup(db *gorm.DB, file string) error {
	if db.Name() != "sqlite" {
		return ErrSQLiteOnly
	}
	if _, err := check(db); err != nil {
		return fmt.Errorf("the database cannot be backed up: %w", err)
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
	if err = errors.Join(err, target.Sync(), target.Close()); err != nil {
		return errors.Join(fmt.Errorf("cannot back up to %s: %w", file, err), os.Remove(path))
	}
	return nil
}

// check returns the migrations that made a file, and an error if it is damaged or has one
// that this program does not know.
func check(db *gorm.DB) (applied Schema, err error) {
	var result string
	err = db.Raw("SELECT integrity_check FROM pragma_integrity_check").Row().Scan(&result)
	if err != nil || result != "ok" {
		return nil, cmp.Or(err, errors.New(result))
	}
	all, err := Migrations(db)
	for i, known := range all {
		if known.Applied {
			applied = append(applied, poolOf(db).schema[i])
		}
	}
	if err == nil && len(applied) == 0 {
		err = errors.New("none of this program's migrations is applied to it")
	}
	return applied, err
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
	if err := checkBackup(next, filepath.Join(folder, "fresh.db"), schema); err != nil {
		return "", fmt.Errorf("%s is not a backup that can be restored: %w", file, err)
	}
	if previous, err = renamePrevious(path); err != nil {
		return "", err
	}
	return previous, os.Rename(next, path)
}

func copyFile(from, to string) error {
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

// checkBackup refuses a file that is damaged, has a migration that this program does
// not know, or lacks a part of the schema that its migrations make in a new file. It
// also refuses other views and triggers, because they could change what statements do.
func checkBackup(path, newPath string, schema Schema) (err error) {
	log := slog.New(slog.DiscardHandler)
	backup, err := OpenExisting(Settings{URL: "sqlite://" + path}, schema, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, Close(backup)) }()
	applied, err := check(backup)
	if err != nil {
		return err
	}
	fresh, err := Open(Settings{URL: "sqlite://" + newPath}, applied, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, Close(fresh)) }()
	if err := Migrate(fresh); err != nil {
		return err
	}
	return compare(backup, fresh)
}

// object is a table, an index, a view or a trigger.
type object struct{ Type, Name, SQL string }

func objects(db *gorm.DB) (all []object, err error) {
	err = db.Raw("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").Scan(&all).Error
	for i := range all { // GORM writes the constraints of a table in any order
		parts := strings.Split(strings.TrimSuffix(all[i].SQL, ")"), ",")
		slices.Sort(parts)
		all[i].SQL = strings.Join(parts, ",")
	}
	return all, err
}

func compare(backup, fresh *gorm.DB) error {
	has, err := objects(backup)
	want, freshErr := objects(fresh)
	if err := errors.Join(err, freshErr); err != nil {
		return err
	}
	for _, o := range want {
		if !slices.Contains(has, o) {
			return fmt.Errorf("its %s %s is missing, or differs from what its migrations make", o.Type, o.Name)
		}
	}
	for _, o := range has {
		if (o.Type == "view" || o.Type == "trigger") && !slices.Contains(want, o) {
			return fmt.Errorf("it has a %s that no migration makes: %s", o.Type, o.Name)
		}
	}
	return nil
}

// renamePrevious gives the file at path a second name, and renames what SQLite keeps
// beside it: it would apply the logs of one database to the next one.
func renamePrevious(path string) (previous string, err error) {
	db, err := openSQLite(path)
	if err == nil { // SQLite moves the log into the file only if nobody else has it open, so no reader either
		err = errors.Join(poolOf(db).readers.Close(), db.Exec("PRAGMA journal_mode = DELETE").Error, Close(db))
	}
	if err != nil && (errors.Is(err, problem.Unavailable) || isLocked(err)) { // a damaged file is replaced
		return "", fmt.Errorf("cannot replace %s: stop the program that uses it: %w", path, err)
	}
	name := path + time.Now().UTC().Format(".20060102T150405.000000")
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Rename(path+suffix, name+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	err = os.Link(path, name) // and not renamed, so that there always is a file at path
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return name, err
}
