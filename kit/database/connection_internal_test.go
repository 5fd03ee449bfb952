package database

import (
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
)

func TestAPreparedStatementHasOneUserAtATime(t *testing.T) {
	settings := Defaults()
	settings.URL = "sqlite://" + filepath.Join(t.TempDir(), "app.db")
	db, err := Open(settings, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Close(db) })
	single, err := poolOf(db).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = single.Close() })
	kept := func() (count int) {
		_ = single.Raw(func(raw any) error { count = len(raw.(*connection).idle); return nil })
		return count
	}
	numbers := func() *sql.Rows {
		rows, err := single.QueryContext(t.Context(), "SELECT 1 UNION SELECT 2 UNION SELECT 3")
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	read := func(rows *sql.Rows) (text string) {
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				t.Error(err)
			}
			text += fmt.Sprint(n)
		}
		_ = rows.Close()
		return text
	}
	before := kept()
	read(numbers())
	first := numbers()
	first.Next()
	if second := read(numbers()); second != "123" {
		t.Errorf("a second query, while rows of the first are open, reads %s", second)
	}
	if rest := read(first); rest != "23" {
		t.Errorf("the first query reads %s after its first row", rest)
	}
	if count := kept() - before; count != 1 {
		t.Errorf("%d statements of one query are kept", count)
	}
	for i := range 2 * maxStatements {
		if _, err := single.ExecContext(t.Context(), fmt.Sprint("SELECT ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if count := kept(); count != maxStatements {
		t.Errorf("%d statements are kept, want %d", count, maxStatements)
	}
}
