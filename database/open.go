// Package database opens and migrates the database. It alone knows the drivers.
package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"example.com/latchkey/config"
)

// Open opens the database of database.url; it makes a file, and its folder. The
// caller closes it with Close. In SQLite one connection writes, so inside a
// transaction write by its own handle only: the outer one would wait for it
// until that fails. Where the database cannot be asked in time, its errors are
// problem.Unavailable. The error never shows a password.
func Open(settings config.Database, log *slog.Logger) (*gorm.DB, error) {
	if !isPostgres(settings.URL) {
		path := filePath(settings.URL)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("database.url: cannot make the folder of %s: %w", path, err)
		}
		if err := makeFile(path); err != nil {
			return nil, fmt.Errorf("database.url: cannot make %s: %w", path, err)
		}
	}
	return OpenExisting(settings, log)
}

// OpenExisting is Open for who only looks: it makes no file, and fails where
// there is none.
func OpenExisting(settings config.Database, log *slog.Logger) (db *gorm.DB, err error) {
	if isPostgres(settings.URL) {
		db, err = openPostgres(settings)
	} else {
		db, err = openSQLite(filePath(settings.URL))
	}
	if err != nil {
		return nil, fmt.Errorf("database.url: cannot open %s: %w", Redacted(settings.URL), err)
	}
	db.Logger = sqlLogger(log)
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

// Close closes the database's connections.
func Close(db *gorm.DB) error {
	pool, err := db.DB()
	if err != nil {
		return err
	}
	if readers := accessOf(db).readers; readers != nil {
		err = readers.Close()
	}
	return errors.Join(err, pool.Close())
}

// isClosed knows an error that database/sql keeps to itself.
func isClosed(err error) bool { return err.Error() == "sql: database is closed" }

func gormConfig() *gorm.Config {
	return &gorm.Config{
		Logger: logger.Discard,
		// SQLite compares times as text, so all of them are of one zone; the
		// microsecond is what PostgreSQL keeps.
		NowFunc:                func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
		QueryFields:            true, // SELECT * of a kept statement breaks when a later version adds a column
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
