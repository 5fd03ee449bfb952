package tests

import (
	"strings"
	"testing"
	"unicode"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

// odd has an escape sequence in two forms, a line end in two forms, a change of direction,
// an invisible character outside of the first 65,536, and a tab. shown is how it is
// printed.
const (
	odd   = "x\u009b2J\x1b[2J\u0085\r\n\u202e\U000e0041\ty"
	shown = `x\u009b2J\u001b[2J\u0085\u000d\u000a\u202e\udb40\udc41\u0009y`
)

// The id and the time of a row, and the statement that adds a user.
const (
	rowID   = "'01900000-0000-7000-8000-000000000001'"
	rowTime = "'2026-11-25 12:00:00+00:00'"
	addUser = "INSERT INTO users (id, created_at, email, password_hash, role, email_verified, disabled) VALUES (" + rowID + ", " + rowTime + ", 'ada@example.com', 'x', 'user', false, false)"
)

// wantEscaped fails the test unless a command prints this number of lines, with a text,
// and only printable characters, in a database with the rows of statements.
func wantEscaped(t *testing.T, args string, lines int, text string, statements ...string) {
	t.Helper()
	settings := apptest.MigratedDatabase(t)
	for _, statement := range statements {
		kit.Exec(t, settings.URL, statement)
	}
	out, faults, _ := kit.Run(t, t.TempDir(), []string{"APP_DATABASE_URL=" + settings.URL}, strings.Fields(args)...)
	out += faults
	if strings.Count(out, "\n") != lines || !strings.Contains(out, text) ||
		strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("%q prints %q, want %s", args, out, text)
	}
}

func TestOtherPeoplesTextIsPrintedWithEscapes(t *testing.T) {
	wantEscaped(t, "jobs", 2, shown, "INSERT INTO jobs (id, created_at, kind, args, run_at, attempts, error) VALUES ("+rowID+", "+rowTime+", '"+odd+"', '{}', NULL, 15, '"+odd+"')")
	wantEscaped(t, "user promote x\x1b@\u009b", 1, "email must be a valid email address")
	wantEscaped(t, "jobs retry x\x1b\u009b", 1, `no job with the id x\u001b\u009b has failed`)
}
