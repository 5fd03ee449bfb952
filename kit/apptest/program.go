package apptest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/routers"
	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
)

// Program is what tests run. Make it once, because it keeps migrated databases.
type Program struct {
	schema   database.Schema
	document func() ([]byte, error)
	contract func() (routers.Router, error) // the document, to find its routes

	// Schemas of ended tests, with all migrations and empty tables. They stay on the
	// server. To make one takes longer than most tests.
	migrated     chan string
	migratedFile func() ([]byte, error) // of SQLite, with all migrations and empty tables
}

// maxKept is more than the tests that run at the same time.
const maxKept = 1000

// NewProgram makes the Program with a schema and an OpenAPI document.
func NewProgram(schema database.Schema, document func() ([]byte, error)) *Program {
	p := &Program{schema: schema, document: document, contract: contractOf(document), migrated: make(chan string, maxKept)}
	p.migratedFile = sync.OnceValues(p.migrateFile)
	return p
}

// Running is a program that runs.
type Running struct {
	Engine   *gin.Engine
	Routes   []endpoint.Route
	Jobs     []jobs.Handler
	BasePath string // before all paths but those of the health checks

	// For Hold. User and Admin make a user, sign it in, and return the name and the value of
	// the header that shows it. Remove deletes a user as another process does.
	User, Admin func(email string) (header []string)
	Remove      func(email string) (id any)
}

// Start runs the program until the test ends. The database has all migrations.
func (p *Program) Start(t testing.TB, settings database.Settings, build func(*slog.Logger, *gorm.DB) (Running, error)) *App {
	t.Helper()
	app := &App{t: t, program: p, Log: new(Log)}
	log := slog.New(slog.NewTextHandler(app.Log, nil))
	app.DB = p.open(t, settings, log)
	running, err := build(log, app.DB)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(running.Engine)
	t.Cleanup(server.Close)
	app.Engine, app.URL, app.running = running.Engine, server.URL, running
	return app
}

func (p *Program) migrateFile() ([]byte, error) {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "test.db")
	if err := p.migrate(atURL("sqlite://" + file)); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

func (p *Program) migrate(settings database.Settings) error {
	db, err := database.Open(settings, p.schema, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(database.Migrate(db), database.Close(db))
}

// MigratedDatabase makes a database with all migrations and empty tables, for a test
// that does not change its schema.
func (p *Program) MigratedDatabase(t testing.TB) database.Settings {
	t.Helper()
	if !OnPostgreSQL() {
		file := filepath.Join(t.TempDir(), "test.db")
		content, err := p.migratedFile()
		if err == nil {
			err = os.WriteFile(file, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return atURL("sqlite://" + file)
	}
	var schema string
	select {
	case schema = <-p.migrated:
	default:
		schema = newSchema(t)
		if err := p.migrate(atURL(schemaURL(t, schema))); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		// With few rows DELETE takes a tenth of the time of TRUNCATE.
		execOnServer(t, fmt.Sprintf(`DO $$ DECLARE name text; BEGIN
			FOR name IN SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname = '%s' AND tablename <> 'migrations' LOOP
				BEGIN
					EXECUTE 'DELETE FROM ' || name;
				EXCEPTION WHEN foreign_key_violation THEN
					EXECUTE 'TRUNCATE ' || name || ' CASCADE';
				END;
			END LOOP;
		END $$`, schema))
		p.migrated <- schema
	})
	return atURL(schemaURL(t, schema))
}

// Open opens and migrates a database, which is closed when the test ends.
func (p *Program) Open(t testing.TB, settings database.Settings, log *slog.Logger) *gorm.DB {
	t.Helper()
	db := p.open(t, settings, log)
	if err := database.Migrate(db); err != nil {
		t.Fatal(err)
	}
	return db
}

// open is Open for a database that has all migrations.
func (p *Program) open(t testing.TB, settings database.Settings, log *slog.Logger) *gorm.DB {
	t.Helper()
	db, err := database.Open(settings, p.schema, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := database.Close(db); err != nil {
			t.Error(err)
		}
	})
	return db
}
