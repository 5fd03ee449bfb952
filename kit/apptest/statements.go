package apptest

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"
)

// Watch calls a function with each statement that the app runs.
func Watch(t *testing.T, app *App, see func(db *gorm.DB)) {
	t.Helper()
	callback := app.DB.Callback()
	err := errors.Join(callback.Create().After("*").Register("watch", see), callback.Query().After("*").Register("watch", see),
		callback.Update().After("*").Register("watch", see), callback.Delete().After("*").Register("watch", see),
		callback.Row().After("*").Register("watch", see), callback.Raw().After("*").Register("watch", see))
	if err != nil {
		t.Fatal(err)
	}
}

// Statements returns what the app asks the database, since the last call.
func Statements(t *testing.T, app *App) (since func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	Watch(t, app, func(db *gorm.DB) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, db.Statement.SQL.String())
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		defer func() { all = nil }()
		return all
	}
}

// Plans returns how SQLite runs the queries of a table, since the last call.
func Plans(t *testing.T, app *App) (since func(table string) string) {
	t.Helper()
	type query struct {
		table, sql string
		values     []any
	}
	var mu sync.Mutex
	var all []query
	Watch(t, app, func(db *gorm.DB) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, query{db.Statement.Table, db.Statement.SQL.String(), db.Statement.Vars})
	})
	return func(table string) (plan string) {
		mu.Lock()
		asked := all
		mu.Unlock()
		for _, q := range asked {
			var steps []struct{ Detail string }
			if q.table == table && strings.HasPrefix(q.sql, "SELECT") {
				app.DB.Raw("EXPLAIN QUERY PLAN "+q.sql, q.values...).Scan(&steps)
			}
			for _, step := range steps {
				plan += step.Detail + "\n"
			}
		}
		mu.Lock()
		all = nil
		mu.Unlock()
		return plan
	}
}
