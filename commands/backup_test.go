package commands_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/latchkey/apptest"
)

func TestDataIsCopiedToAnotherDatabase(t *testing.T) {
	folder, target := t.TempDir(), newDatabase(t)
	s := launch(t, folder).await()
	s.want(201, "POST", "/register", credentials("ada@example.com"))
	bearer := "Bearer " + s.token("ada@example.com")
	s.signal(os.Interrupt)
	s.end()
	out, faults, code := run(t, folder, []string{target}, "db", "copy", "--from", "sqlite://data/app.db")
	if want := "sessions             1 rows\nusers                1 rows\n"; code != 0 || !strings.HasSuffix(out, want) { // after the jobs
		t.Fatalf("exit %d, %s%s", code, out, faults)
	}
	copied := launch(t, folder, target).await()
	copied.want(200, "GET", "/me", "", "Authorization", bearer)
	copied.token("ada@example.com")
	for args, want := range map[string]string{
		"--from sqlite://data/app.db":                           "the database to copy to is not empty",
		"--from sqlite://data/app.db --to sqlite://data/app.db": "name the other one with --from or --to",
		"": "name the other one with --from or --to",
		"--to postgre://ada:hunter2@127.0.0.1:1/x":    "--to: write sqlite://PATH with the path of a file",
		"--from sqlite://nowhere":                     "nowhere: no such file or directory",
		"--from postgres://ada:hunter2@127.0.0.1:1/x": "cannot open postgres://ada:xxxxx@127.0.0.1:1/x",
	} {
		_, faults, code := run(t, folder, []string{target}, append([]string{"db", "copy"}, strings.Fields(args)...)...)
		if code != 1 || !strings.Contains(faults, want) || strings.Contains(faults, "hunter2") {
			t.Errorf("%s: exit %d, %s", args, code, faults)
		}
	}
}

func TestABackupOfAMissingDatabaseWritesNoFile(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	folder, path := t.TempDir(), filepath.Join(t.TempDir(), "made", "app.db")
	_, faults, code := run(t, folder, []string{"APP_DATABASE_URL=sqlite://" + path}, "db", "backup", "b.db")
	if code != 1 || !strings.Contains(faults, path+": no such file or directory") {
		t.Errorf("exit %d, %s", code, faults)
	}
	for _, name := range []string{filepath.Dir(path), filepath.Join(folder, "b.db")} {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was made: %v", name, err)
		}
	}
}

func TestABackupIsTakenWhileTheServerWrites(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	folder := t.TempDir()
	s := launch(t, folder).await()
	var acknowledged, next atomic.Int64
	var enough atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		inParallel(1_000_000, func(int) {
			if !enough.Load() {
				s.want(201, "POST", "/register", credentials(fmt.Sprint(next.Add(1), "@example.com")))
				acknowledged.Add(1)
			}
		})
	}()
	apptest.Await(t, "200 users are registered", func() bool { return acknowledged.Load() >= 200 })
	before := acknowledged.Load()
	out, faults, code := run(t, folder, nil, "db", "backup", "backup.db")
	after := next.Load()
	enough.Store(true)
	<-done
	if code != 0 || out != "The backup is backup.db.\n" {
		t.Fatalf("exit %d, %s%s", code, out, faults)
	}
	if out, faults, code = run(t, folder, nil, "db", "restore", "backup.db"); code != 1 || !strings.Contains(faults, "stop the program that uses it") {
		t.Fatalf("while it runs: exit %d, %s%s", code, out, faults)
	}
	s.want(201, "POST", "/register", credentials("ada@example.com"))
	s.signal(os.Interrupt)
	s.end()
	if out, faults, code = run(t, folder, nil, "db", "restore", "backup.db"); code != 0 || !strings.HasPrefix(out, "The backup is restored.\nThe previous database is now data/app.db.") {
		t.Fatalf("exit %d, %s%s", code, out, faults)
	}
	users, _, _ := run(t, folder, nil, "user", "list")
	if count := int64(strings.Count(users, "@example.com")); count < before || count > after || strings.Contains(users, "ada@") {
		t.Errorf("%d users, want at least %d (acknowledged before the backup) and at most %d (sent until after it)", count, before, after)
	}
	launch(t, folder).await().token("1@example.com")
}
