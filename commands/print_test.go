package commands_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"example.com/latchkey/apptest"
)

// odd has an escape sequence in two forms, a line end in two forms, a change of direction,
// an invisible character outside of the first 65,536, and a tab.
const odd = "x\u009b2J\x1b[2J\u0085\r\n\u202e\U000e0041\ty"

func TestOtherPeoplesTextIsPrintedWithEscapes(t *testing.T) {
	settings := apptest.MigratedDatabase(t)
	const user, at = "'01900000-0000-7000-8000-000000000001'", "'2026-11-25 12:00:00+00:00'"
	details, err := json.Marshal(map[string]string{"name": odd})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"INSERT INTO users (id, created_at, email, password_hash, role, email_verified, disabled) VALUES (" + user + ", " + at + ", 'ada@example.com', 'x', 'user', false, false)",
		"INSERT INTO users (id, created_at, email, password_hash, role, email_verified, disabled) VALUES ('01900000-0000-7000-8000-000000000002', " + at + ", '" + odd + "', 'x', '" + odd + "', false, false)",
		"INSERT INTO api_keys (id, created_at, user_id, name, scope, hash) VALUES (" + user + ", " + at + ", " + user + ", '" + odd + "', '" + odd + "', 'x')",
		"INSERT INTO jobs (id, created_at, kind, args, run_at, attempts, error) VALUES (" + user + ", " + at + ", '" + odd + "', '{}', NULL, 15, '" + odd + "')",
		"INSERT INTO events (id, created_at, kind, ip, user_agent, request_id, details) VALUES (" + user + ", " + at + ", '" + odd + "', '" + odd + "', '" + odd + "', '" + odd + "', '" + string(details) + "')",
	} {
		apptest.Exec(t, settings.URL, statement)
	}
	for args, want := range map[string]struct {
		lines int
		text  string
	}{
		"user list":                 {3, `x\u009b2J\u001b[2J\u0085\u000d\u000a\u202e\udb40\udc41\u0009y`},
		"user keys ada@example.com": {2, `"x\u009b2J\x1b[2J\u0085\r\n\u202e\U000e0041\ty"`},
		"jobs":                      {2, `x\u009b2J\u001b[2J\u0085\u000d\u000a\u202e\udb40\udc41\u0009y`},
		"events":                    {1, `{"name":"x\u009b2J\u001b[2J\u0085\r\n\u202e\udb40\udc41\ty"}`},
		"user promote x\x1b@\u009b": {1, `email must be a valid email address`},
		"jobs retry x\x1b\u009b":    {1, `no job with the id x\u001b\u009b has failed`},
	} {
		out, faults, _ := run(t, t.TempDir(), []string{"APP_DATABASE_URL=" + settings.URL}, strings.Fields(args)...)
		out += faults
		if strings.Count(out, "\n") != want.lines || !strings.Contains(out, want.text) ||
			strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("%q prints %q, want %s", args, out, want.text)
		}
	}
}
