package tests

import (
	"database/sql"
	"errors"
	"testing"

	"gorm.io/gorm"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
)

// Connections to a server that has become a standby stay open, and new ones lead to
// the new primary: here, the open ones only read.
func TestTheTryAfterAFailoverWrites(t *testing.T) {
	if !kit.OnPostgreSQL() || kit.OnPooler() {
		t.Skip("this is of PostgreSQL without a pooler, which has the connections")
	}
	for claim, try := range map[string]func(app *apptest.App) kit.Answer{
		"a write": func(app *apptest.App) kit.Answer {
			return app.Post("/register", `{"email":"ada@example.com","password":"`+apptest.Password+`"}`)
		},
		"the health check": func(app *apptest.App) kit.Answer { return app.Get("/readyz") },
	} {
		t.Run(claim, func(t *testing.T) {
			app := apptest.New(t)
			demote(t, app.DB, 4)
			app.Get("/healthz").Want(t, 200, "")
			if detail := try(app).Want(t, 503, "unavailable").Field("detail"); detail != "The database only reads" {
				t.Error(detail)
			}
			for range 5 {
				app.Get("/readyz").Want(t, 200, "")
			}
			app.Register("bob@example.com")
			bob := app.Login("bob@example.com")
			app.Get("/me", bob...).Want(t, 200, "")
		})
	}
}

func TestADatabaseThatOnlyReadsIsNotReady(t *testing.T) {
	if !kit.OnPostgreSQL() || kit.OnPooler() {
		t.Skip("this is of PostgreSQL, and a pooler refuses the parameter")
	}
	app := apptest.New(t, func(s *config.Settings) { s.Database.URL += "&default_transaction_read_only=on" })
	for range 2 {
		app.Get("/readyz").Want(t, 503, "unavailable")
		app.Get("/healthz").Want(t, 200, "")
	}
}

// demote opens connections and lets them only read.
func demote(t *testing.T, db *gorm.DB, connections int) {
	t.Helper()
	pool, err := db.DB()
	for range connections {
		var connection *sql.Conn
		if err == nil {
			connection, err = pool.Conn(t.Context())
		}
		if err == nil {
			defer connection.Close()
			_, err = connection.ExecContext(t.Context(), "SET default_transaction_read_only = on")
		}
	}
	if err != nil {
		t.Fatal(errors.Join(err))
	}
}
