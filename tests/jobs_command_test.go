package tests

import (
	"regexp"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

func TestJobsAreListedAndRetried(t *testing.T) {
	url := apptest.MigratedDatabase(t).URL
	environ, folder := []string{"APP_DATABASE_URL=" + url}, t.TempDir()
	if out, faults, code := kit.Run(t, folder, environ, "jobs"); code != 0 || out != "ID  KIND  STATE  ATTEMPTS  NEXT  ERROR\n" {
		t.Errorf("exit %d, %s%s", code, out, faults)
	}
	const failed, waiting, running = "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002", "01900000-0000-7000-8000-000000000003"
	never := "'infinity'" // which Go has no time for
	if !kit.OnPostgreSQL() {
		never = "'soon'"
	}
	kit.Exec(t, url, "INSERT INTO jobs (id, created_at, kind, args, run_at, attempts, error) VALUES "+
		"('"+failed+"', '2026-11-25 12:00:00+00:00', 'purge failed jobs', '{}', NULL, 15, 'no route to host'), "+
		"('"+waiting+"', '2026-11-25 12:00:00+00:00', 'purge failed jobs', '{}', '2099-01-02 03:04:05+00:00', 0, ''), "+
		"('"+running+"', '2026-11-25 12:00:00+00:00', 'of a fork', '{}', '2099-01-02 03:04:05+00:00', 2, ''), "+
		"('01900000-0000-7000-8000-000000000004', '2026-11-25 12:00:00+00:00', 'of a fork', '{}', "+never+", 0, ''), "+
		"('01900000-0000-7000-8000-000000000005', '2026-11-25 12:00:00+00:00', 'of a fork', '{}', '2026-11-25 12:00:00+00:00', 1, 'no')")
	list := func(want string) {
		t.Helper()
		out, faults, code := kit.Run(t, folder, environ, "jobs")
		if code != 0 || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("exit %d, %s%s", code, out, faults)
		}
	}
	list(`1  purge failed jobs +failed +15 +- +no route to host\n.*` +
		`2  purge failed jobs +waiting +0 +2099-01-02T03:04:05Z +\n.*` +
		`3  of a fork +running +2 +- +\n.*` +
		`4  of a fork +unreadable +- +- +.*run_at.*\n.*` +
		`5  of a fork +unknown +1 +- +no\n`)
	for id, want := range map[string]string{
		failed:  "The job runs again as soon as a server runs.\n",
		waiting: "latchkey: no job with the id " + waiting + " has failed\n",
		running: "latchkey: no job with the id " + running + " has failed\n",
		"no id": "latchkey: no job with the id no id has failed\n",
	} {
		if out, faults, _ := kit.Run(t, folder, environ, "jobs", "retry", id); out+faults != want {
			t.Errorf("%s: %s%s", id, out, faults)
		}
	}
	list(`1  purge failed jobs +waiting +15 +20\d\d-.*Z +no route to host`)
	s := apptest.Launch(t, folder, environ...).Await()
	kit.Await(t, "the server has added its periodic jobs", func() bool {
		out, _, _ := kit.Run(t, folder, environ, "jobs")
		return strings.Contains(out, "housekeeping")
	})
	list(`housekeeping +waiting +0 `)
	s.Want(200, "GET", "/readyz", "")
}
