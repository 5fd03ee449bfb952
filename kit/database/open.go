// Package database opens and migrates the database. No other package uses a driver.
package database

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/settings"
)

// Open opens the database of database.url, and makes a missing SQLite file and its
// folder. Close it with Close. SQLite has one connection that writes: inside a
// transaction, use only tx, because db would wait for the transaction until a
// timeout. Errors of a database that does not answer in time are
// problem.Unavailable, and a duplicate is problem.AlreadyExists. No error shows a
// password. Migrate applies the schema.
func Open(s Settings, schema Schema, log *slog.Logger) (*gorm.DB, error) {
	if !isPostgres(s.URL) {
		path := filePath(s.URL)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = makeFile(path)
		}
		if err != nil {
			return nil, fmt.Errorf("database.url: cannot make %s: %w", path, settings.ExplainWrite(err, path))
		}
	}
	return OpenExisting(s, schema, log)
}

// OpenExisting is Open, but fails if the SQLite file does not exist.
func OpenExisting(s Settings, schema Schema, log *slog.Logger) (db *gorm.DB, err error) {
	if isPostgres(s.URL) {
		db, err = openPostgres(s)
	} else {
		db, err = openSQLite(filePath(s.URL))
	}
	if err != nil {
		return nil, fmt.Errorf("database.url: cannot open %s: %w", Redacted(s.URL), err)
	}
	db.Logger = sqlLogger(log)
	poolOf(db).schema = schema
	return db, db.Callback().Row().After("gorm:row").Register("translate_error", translateError)
}

// translateError translates the error of Rows, Row and Raw(…).Scan, because GORM does not.
func translateError(db *gorm.DB) {
	if err := db.Error; err != nil {
		db.Error = nil
		_ = db.AddError(err)
	}
}

func isPostgres(databaseURL string) bool { return strings.HasPrefix(databaseURL, "postgres") }

// filePath returns the path of the file of a SQLite URL.
func filePath(databaseURL string) string {
	return filepath.Clean(strings.TrimPrefix(databaseURL, "sqlite://"))
}

// Redacted returns a database's URL without its passwords.
func Redacted(databaseURL string) string {
	if !isPostgres(databaseURL) {
		return databaseURL
	}
	parsed, err := url.Parse(databaseURL)
	if err != nil {
		return "postgres://…"
	}
	parsed.RawQuery = passwords.ReplaceAllString(parsed.RawQuery, "${1}xxxxx")
	return parsed.Redacted()
}

// passwords matches those of the user and of the key of its certificate in a query.
var passwords = regexp.MustCompile("(password=)[^&]*")

// Close closes the database's connections.
func Close(db *gorm.DB) error { return poolOf(db).Close() }

// isClosed reports whether err is an error that database/sql does not export.
func isClosed(err error) bool { return err.Error() == "sql: database is closed" }

// alreadyExists is problem.AlreadyExists for the columns of a unique index, caused by
// gorm.ErrDuplicatedKey. It does not name the owner, whom a client cannot choose.
func alreadyExists(cause error, columns []string) error {
	fields := slices.DeleteFunc(columns, func(column string) bool { return column == "owner_id" })
	return problem.Exists(fields...).Because(fmt.Errorf("%w: %w", gorm.ErrDuplicatedKey, cause))
}

// sqlLogger logs each statement at log.level debug, without its values, because some
// are password hashes. Callers log the errors.
func sqlLogger(log *slog.Logger) logger.Interface {
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return logger.Discard
	}
	return logger.NewSlogLogger(log, logger.Config{LogLevel: logger.Info, ParameterizedQueries: true})
}
