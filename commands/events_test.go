package commands_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

func TestEventsArePrintedAndFollowed(t *testing.T) {
	folder, database := t.TempDir(), "APP_DATABASE_URL="+apptest.MigratedDatabase(t).URL
	program := func(args ...string) string {
		t.Helper()
		out, faults, _ := run(t, folder, []string{database, "APP_PASSWORD_BCRYPT_COST=4"}, args...)
		return out + faults
	}
	program("user", "create", "ada@example.com", "--password-file="+file(t, password))
	s := launch(t, folder, database).await()
	token := s.token("ada@example.com")
	s.want(401, "POST", "/login", `{"email":"who@example.com","password":"wrong"}`)
	program("user", "promote", "ada@example.com")
	s.want(200, "PATCH", "/me", `{"name":"Ada"}`, "Authorization", "Bearer "+token)
	const at = `20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ  `
	lines := []string{
		at + `user_created        ada@example\.com  by the command line  \{"role":"user"\}`,
		at + `login               ada@example\.com  from 127\.0\.0\.1`,
		at + `login_failed        unknown  from 127\.0\.0\.1`,
		at + `user_changed        ada@example\.com  by the command line  \{"role":\{"from":"user","to":"admin"\}\}`,
		at + `user_changed        ada@example\.com  by ada@example\.com  from 127\.0\.0\.1  \{"name":\{"from":false,"to":true\}\}`,
	}
	for args, want := range map[string][]string{
		"":                        lines,
		"--user=ADA@example.com":  {lines[0], lines[1], lines[3], lines[4]},
		"--kind=user_changed":     {lines[3], lines[4]},
		"--last=1":                {lines[4]},
		"--kind=login --last=100": {lines[1]},
		"--last=0":                {`latchkey: --last: 0 is not greater than 0`},
		"--kind=log":              {`latchkey: --kind must be one of \[registered .*\]`},
		"--user=eve@example.com":  {`latchkey: no user has the email eve@example\.com`},
	} {
		if got := program(append([]string{"events"}, strings.Fields(args)...)...); !regexp.MustCompile("^" + strings.Join(want, "\n") + "\n$").MatchString(got) {
			t.Errorf("events %s prints %s", args, got)
		}
	}

	follow := background(t, command(t, folder, []string{database}, "events", "--follow", "--last=1"))
	want := func(lines ...string) {
		t.Helper()
		all := regexp.MustCompile("^" + strings.Join(lines, "\n") + "\n$")
		kit.Await(t, fmt.Sprint("it prints ", lines), func() bool { return all.MatchString(follow.printed()) })
	}
	want(lines[4])
	late := uuid.Must(uuid.NewV7()) // of an event that is committed after a newer one
	program("sessions", "end", "ada@example.com")
	ended := at + `session_ended       ada@example\.com  by the command line  \{"sessions":1\}`
	want(lines[4], ended)
	kit.Exec(t, strings.TrimPrefix(database, "APP_DATABASE_URL="), "INSERT INTO events (id, created_at, kind, ip, user_agent, request_id, details) "+
		"VALUES ('"+late.String()+"', '2026-11-28 12:00:00+00:00', 'logout', '192.0.2.1', '', 'x', '{}')")
	want(lines[4], ended, at+`logout              unknown  from 192\.0\.2\.1`)
	follow.signal(syscall.SIGINT)
	if code := follow.end(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// The details stay JSON.
func TestEventsArePrintedWithEscapes(t *testing.T) {
	needDatabase(t, "events")
	details, err := json.Marshal(map[string]string{"name": odd})
	if err != nil {
		t.Fatal(err)
	}
	wantEscaped(t, "events", 1, `{"name":"x\u009b2J\u001b[2J\u0085\r\n\u202e\udb40\udc41\ty"}`,
		"INSERT INTO events (id, created_at, kind, ip, user_agent, request_id, details) VALUES ("+rowID+", "+rowTime+", '"+odd+"', '"+odd+"', '', '', '"+string(details)+"')")
}
