package database

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

func TestAPreparedStatementHasOneUserAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	makeErr := makeFile(path)
	file, err := newSQLiteFile(path)
	if err := errors.Join(makeErr, err); err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(file)
	t.Cleanup(func() { _ = pool.Close() })
	single, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	idle := func() (count int) {
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
	read(numbers()) // now it is kept
	first := numbers()
	first.Next()
	if second := read(numbers()); second != "123" {
		t.Errorf("a second query, while rows of the first are open, reads %s", second)
	}
	if rest := read(first); rest != "23" {
		t.Errorf("the first query reads %s after its first row", rest)
	}
	if idle() != 1 {
		t.Errorf("%d statements of one query are kept", idle())
	}
	for i := range 2 * maxStatements {
		if _, err := single.ExecContext(t.Context(), fmt.Sprint("SELECT ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if idle() != maxStatements {
		t.Errorf("%d statements are kept, want %d", idle(), maxStatements)
	}
}
