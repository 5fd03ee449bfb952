package apptest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest/postgres"
	"example.com/latchkey/kit/database"
)

// TEST_DATABASE_URL selects the database. If it is empty, tests run on SQLite. If
// it is the URL of a PostgreSQL server, they run there. If it is privateServer,
// they run on a server that Main starts. If it is throughPooler, a pooler in
// transaction mode is in front of that server. If it is both, they run on SQLite and, at
// the same time in a second process, on a private server.
const (
	databaseSwitch = "TEST_DATABASE_URL"
	privateServer  = "postgres://"
	both           = "both"
	throughPooler  = "pooler"
	poolerSwitch   = "TEST_POOLER" // its address, set by Main
)

// Main runs a package's tests and returns the exit code.
func Main(m *testing.M) (code int) {
	switch os.Getenv(databaseSwitch) {
	case both:
		return runOnBoth(m)
	case privateServer:
		return runOnPrivateServer(m.Run)
	case throughPooler:
		return runOnPrivateServer(func() int { return runThroughPooler(m) })
	default:
		return m.Run()
	}
}

// runOnBoth starts this binary a second time, because go test would link it again.
func runOnBoth(m *testing.M) (code int) {
	arguments := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(argument string) bool {
		return strings.HasPrefix(argument, "-test.testlogfile") // which go test reads to see what the tests depend on
	})
	var output bytes.Buffer
	second := exec.CommandContext(context.Background(), os.Args[0], arguments...) //nolint:gosec // this binary
	second.Env = append(os.Environ(), databaseSwitch+"="+privateServer)
	second.Stdout, second.Stderr = &output, &output
	if err := errors.Join(os.Setenv(databaseSwitch, ""), second.Start()); err != nil {
		panic(err)
	}
	code = m.Run()
	err := second.Wait()
	fmt.Printf("on PostgreSQL:\n%s", &output)
	if err != nil {
		return 1
	}
	return code
}

func runOnPrivateServer(run func() int) (code int) {
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
	return run()
}

func runThroughPooler(m *testing.M) (code int) {
	pooler, err := postgres.StartPooler(context.Background(), PostgresURL())
	if err != nil {
		panic(err)
	}
	defer func() {
		if err := pooler.Stop(); err != nil {
			panic(err)
		}
	}()
	if err := os.Setenv(poolerSwitch, pooler.Address); err != nil {
		panic(err)
	}
	return m.Run()
}

// OnPooler reports whether a pooler in transaction mode is in front of PostgreSQL.
func OnPooler() bool { return os.Getenv(poolerSwitch) != "" }

// PostgresURL is the URL of the PostgreSQL server, "" where tests run on SQLite.
func PostgresURL() string { return os.Getenv(databaseSwitch) }

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
func NewDatabase(t testing.TB) database.Settings {
	t.Helper()
	if !OnPostgreSQL() {
		return atURL("sqlite://" + filepath.Join(t.TempDir(), "made", "test.db"))
	}
	schema := newSchema(t)
	t.Cleanup(func() { execOnServer(t, "DROP SCHEMA "+schema+" CASCADE") })
	return atURL(schemaURL(t, schema))
}

func newSchema(t testing.TB) string {
	t.Helper()
	schema := "test_" + strings.ToLower(rand.Text())
	execOnServer(t, "CREATE SCHEMA "+schema)
	if OnPooler() { // it refuses search_path, so a user of its own has it
		execOnServer(t, "CREATE ROLE "+schema+" LOGIN SUPERUSER")
		execOnServer(t, "ALTER ROLE "+schema+" SET search_path = "+schema)
	}
	return schema
}

// schemaURL is the URL of a schema of the server.
func schemaURL(t testing.TB, schema string) string {
	t.Helper()
	at, err := url.Parse(PostgresURL())
	if err != nil {
		t.Fatal(err)
	}
	query := at.Query()
	if OnPooler() {
		at.Host, at.User = os.Getenv(poolerSwitch), url.User(schema)
	} else {
		query.Set("search_path", schema)
	}
	query.Set("application_name", schema)
	query.Set("connect_timeout", "60") // 5 s may be too short while other programs keep every core busy
	at.RawQuery = query.Encode()
	return at.String()
}

func atURL(url string) database.Settings {
	settings := database.Defaults()
	settings.URL, settings.Pooled = url, OnPooler()
	settings.StatementTimeout, settings.LockTimeout = time.Hour, time.Hour // so that no test fails on a slow machine
	return settings
}

// kept is an open connection to the server. To open one takes longer than most tests.
var kept = sync.OnceValues(func() (*gorm.DB, error) {
	return database.Open(atURL(PostgresURL()), nil, slog.New(slog.DiscardHandler))
})

// execOnServer runs a statement on the PostgreSQL server, outside of all schemas of tests.
func execOnServer(t testing.TB, statement string) {
	t.Helper()
	server, err := kept()
	if err == nil {
		err = server.Exec(statement).Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Exec runs a statement on its own connection, as another process would.
func Exec(t testing.TB, url, statement string) {
	t.Helper()
	settings := database.Defaults()
	settings.URL = url
	db, err := database.Open(settings, nil, slog.New(slog.DiscardHandler))
	if err == nil {
		err = errors.Join(db.Exec(statement).Error, database.Close(db))
	}
	if err != nil {
		t.Fatal(err)
	}
}
