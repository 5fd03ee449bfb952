package database

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

func TestAConnectionKeepsAStatementForOneUserAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	made := makeFile(path)
	file, err := newSQLiteFile(path)
	if err := errors.Join(made, err); err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(file)
	t.Cleanup(func() { _ = pool.Close() })
	single, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := func() (count int) {
		_ = single.Raw(func(raw any) error { count = len(raw.(*connection).kept); return nil })
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
	read(numbers()) // keeps it
	first := numbers()
	first.Next()
	if second := read(numbers()); second != "123" {
		t.Errorf("a second one, while rows of the first are open, reads %s", second)
	}
	if rest := read(first); rest != "23" {
		t.Errorf("the rest of the first is %s", rest)
	}
	if kept() != 1 {
		t.Errorf("%d are kept of one statement", kept())
	}
	for i := range 2 * maxKept {
		if _, err := single.ExecContext(t.Context(), fmt.Sprint("SELECT ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if kept() != maxKept {
		t.Errorf("%d are kept, want %d", kept(), maxKept)
	}
}
