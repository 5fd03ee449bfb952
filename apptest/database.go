package apptest

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/apptest/postgres"
	"example.com/latchkey/config"
	"example.com/latchkey/database"
)

// TEST_DATABASE_URL selects the database. If it is empty, tests run on SQLite. If
// it is the URL of a PostgreSQL server, they run there. If it is privateServer,
// they run on a server that Main starts.
const (
	databaseSwitch = "TEST_DATABASE_URL"
	privateServer  = "postgres://"
)

// Main runs a package's tests and returns the exit code.
func Main(m *testing.M) (code int) {
	if os.Getenv(databaseSwitch) != privateServer {
		return m.Run()
	}
	server, err := postgres.Start("-c fsync=off", "-c full_page_writes=off", "-c autovacuum=off", "-c deadlock_timeout=100ms")
	if err != nil {
		panic(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			panic(err)
		}
	}()
	if err := os.Setenv(databaseSwitch, server.URL); err != nil {
		panic(err)
	}
	return m.Run()
}

// Server is the URL of the PostgreSQL server, "" where tests run on SQLite.
func Server() string { return os.Getenv(databaseSwitch) }

// OnPostgreSQL reports whether tests run on PostgreSQL.
func OnPostgreSQL() bool { return os.Getenv(databaseSwitch) != "" }

// SkipOnPostgreSQL skips a test that does not use the selected database, because it
// has the same result on SQLite.
func SkipOnPostgreSQL(t testing.TB) {
	t.Helper()
	if OnPostgreSQL() {
		t.Skip("this test does not use PostgreSQL; it runs with SQLite")
	}
}

// NewDatabase makes an empty database for a test: a file, or a schema on the
// PostgreSQL server.
func NewDatabase(t testing.TB) (settings config.Database) {
	t.Helper()
	settings = config.Defaults().Database
	settings.StatementTimeout, settings.LockTimeout = time.Hour, time.Hour // so that no test fails on a slow machine
	server := os.Getenv(databaseSwitch)
	if server == "" {
		settings.URL = "sqlite://" + filepath.Join(t.TempDir(), "made", "test.db")
		return settings
	}
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	Exec(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { Exec(t, server, "DROP SCHEMA "+schema+" CASCADE") })
	query := at.Query()
	query.Set("search_path", schema)
	query.Set("application_name", schema)
	at.RawQuery = query.Encode()
	settings.URL = at.String()
	return settings
}

// Exec runs a statement on its own connection, as another process would.
func Exec(t testing.TB, url, statement string) {
	t.Helper()
	settings := config.Defaults().Database
	settings.URL = url
	db, err := database.Open(settings, slog.New(slog.DiscardHandler))
	if err == nil {
		err = errors.Join(db.Exec(statement).Error, database.Close(db))
	}
	if err != nil {
		t.Fatal(err)
	}
}
