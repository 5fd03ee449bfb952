// Package database opens and migrates the database. It alone knows the drivers.
package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/plugin/dbresolver"

	"example.com/latchkey/config"
)

// maxReaders, in connections, are kept open: database/sql would open one for
// each request at once, and close all but two again.
const maxReaders = 8

// Programs that start together on a new file wait for each other.
const (
	lockPatience = 5 * time.Second
	lockPause    = 20 * time.Millisecond
)

// Open opens the database of database.url; it makes a file's folder. The
// caller closes it with Close. In SQLite one connection writes, so inside a
// transaction write by its own handle only: the outer one would wait for it
// without end. Where the database cannot be asked, its errors are
// problem.Unavailable. The error never shows a password.
func Open(settings config.Database, log *slog.Logger) (db *gorm.DB, err error) {
	if isPostgres(settings.URL) {
		db, err = openPostgres(settings, gormConfig(log))
	} else {
		path := filePath(settings.URL)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("database.url: cannot make the folder of %s: %w", path, err)
		}
		db, err = openSQLite(path, log)
	}
	if err != nil {
		return nil, fmt.Errorf("database.url: cannot open %s: %w", Redacted(settings.URL), err)
	}
	return db, nil
}

func isPostgres(at string) bool { return strings.HasPrefix(at, "postgres") }

// filePath is where the file of an SQLite url is.
func filePath(at string) string { return filepath.Clean(strings.TrimPrefix(at, "sqlite://")) }

// Redacted is a database's url without its password.
func Redacted(at string) string {
	if !isPostgres(at) {
		return at
	}
	read, err := url.Parse(at)
	if err != nil {
		return "postgres://…"
	}
	query := read.Query()
	for _, name := range []string{"password", "sslpassword"} {
		if query.Has(name) {
			query.Set(name, "xxxxx")
		}
	}
	read.RawQuery = query.Encode()
	return read.Redacted()
}

func openSQLite(path string, log *slog.Logger) (*gorm.DB, error) {
	db, err := gorm.Open(newSQLite(path), gormConfig(log))
	// Unlike all else, the switch of a new file to WAL does not wait for a lock.
	for patience := time.Now().Add(lockPatience); err != nil && isLocked(err) && time.Now().Before(patience); {
		time.Sleep(lockPause)
		db, err = gorm.Open(newSQLite(path), gormConfig(log))
	}
	if err != nil {
		return nil, err
	}
	readers := dbresolver.Register(dbresolver.Config{Replicas: []gorm.Dialector{newSQLite(path)}})
	if err := db.Use(readers); err != nil {
		return nil, err
	}
	readers.SetMaxOpenConns(maxReaders).SetMaxIdleConns(maxReaders)
	writer, err := db.DB()
	if err != nil {
		return nil, err
	}
	// SQLite takes one writer at a time, and lets others wait without order, some
	// for a second; on one connection they stand in line.
	writer.SetMaxOpenConns(1)
	return db, nil
}

// Close closes the database's connections.
func Close(db *gorm.DB) (err error) {
	pools, split := db.Plugins[new(dbresolver.DBResolver).Name()].(*dbresolver.DBResolver)
	if !split {
		pool, err := db.DB()
		return errors.Join(err, pool.Close())
	}
	_ = pools.Call(func(pool gorm.ConnPool) error {
		err = errors.Join(err, pool.(io.Closer).Close())
		return nil
	})
	return err
}

// isLocked knows SQLite's word where an error is not GORM's yet, as from its Open.
func isLocked(err error) bool { return strings.Contains(err.Error(), "is locked") }

// isClosed knows an error that database/sql keeps to itself.
func isClosed(err error) bool { return err.Error() == "sql: database is closed" }

// isRefused reports whether a primary result code of SQLite's is of the moment,
// and not of the statement: another process writes for too long, or the disk is
// full or fails.
func isRefused(code int) bool {
	const busy, readOnly, failed, full, cannotOpen = 5, 8, 10, 13, 14
	return slices.Contains([]int{busy, readOnly, failed, full, cannotOpen}, code)
}

func gormConfig(log *slog.Logger) *gorm.Config {
	return &gorm.Config{
		Logger: sqlLogger(log),
		// SQLite compares times as text, so all of them are of one zone; the
		// microsecond is what PostgreSQL keeps.
		NowFunc:                func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
		PrepareStmt:            true,
		QueryFields:            true, // a prepared SELECT * breaks when a later version adds a column
		SkipDefaultTransaction: true,
		TranslateError:         true,
	}
}

// sqlLogger shows each statement at log.level debug, never its values, among
// which are password hashes. Errors are the callers' to log.
func sqlLogger(log *slog.Logger) logger.Interface {
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return logger.Discard
	}
	return logger.NewSlogLogger(log, logger.Config{LogLevel: logger.Info, ParameterizedQueries: true})
}
