package apptest_test

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/server"
)

type greeting struct {
	Name string `query:"name" binding:"required,max=20"`
}

func hello(_ context.Context, in greeting) (string, error) { return "Hello, " + in.Name, nil }

func routes() []endpoint.Route {
	return []endpoint.Route{endpoint.Public("GET", "/hello", "Say hello", hello)}
}

func document() ([]byte, error) {
	return endpoint.Document(endpoint.Info{Title: "Hello", Version: "1"}, routes())
}

func build(log *slog.Logger, _ *gorm.DB) (apptest.Running, error) {
	engine, err := server.NewEngine(server.Options{Settings: server.Defaults(), Log: log, Routes: routes()})
	return apptest.Running{Engine: engine}, err
}

var program = apptest.NewProgram(database.Schema{jobs.CreateJobs, jobs.TurnJobs}, document)

// TestMain starts PostgreSQL if TEST_DATABASE_URL asks for it.
func TestMain(m *testing.M) { os.Exit(apptest.Main(m)) }

// This is a test of a service: of its real engine, over HTTP, with a database of its own.
// Each answer must also match the document.
func TestHelloNeedsAName(t *testing.T) {
	app := program.Start(t, program.MigratedDatabase(t), build)
	if answer := app.Get("/hello?name=Ada").Want(t, 200, ""); answer.Body != `"Hello, Ada"` {
		t.Error(answer.Body)
	}
	app.Get("/hello").Want(t, 422, "validation_failed")
}
