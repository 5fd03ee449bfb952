package database_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"example.com/latchkey/kit/apptest"
)

func TestAPreparedStatementHasOneUserAtATime(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	const maxStatements = 128
	pool, err := open(t, inFile(filepath.Join(t.TempDir(), "app.db"))).DB()
	if err != nil {
		t.Fatal(err)
	}
	single, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = single.Close() })
	idle := func() (count int) {
		_ = single.Raw(func(raw any) error { count = raw.(interface{ Idle() int }).Idle(); return nil })
		return count
	}
	before := idle()
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
	if kept := idle() - before; kept != 1 {
		t.Errorf("%d statements of one query are kept", kept)
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
