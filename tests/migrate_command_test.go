package tests

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

func TestMigrationsRunOnTheCommandLine(t *testing.T) {
	folder, database := t.TempDir(), newDatabase(t)
	program := func(args ...string) string {
		t.Helper()
		out, faults, code := kit.Run(t, folder, []string{database}, args...)
		return fmt.Sprint(out, faults, code)
	}
	if path, ok := strings.CutPrefix(database, "APP_DATABASE_URL=sqlite://"); ok {
		for _, command := range []string{"migrate status", "migrate down"} {
			_, faults, code := kit.Run(t, folder, []string{database}, strings.Fields(command)...)
			if code != 1 || !strings.Contains(faults, path+": no such file or directory") {
				t.Errorf("%s without a database: exit %d, %s", command, code, faults)
			}
		}
		if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
			t.Error("the command has made a folder:", err)
		}
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	all := program("migrate", "status")
	if !regexp.MustCompile(`^(pending  \d{8}_\w+\n){3,}0$`).MatchString(all) {
		t.Fatal(all)
	}
	s := apptest.Launch(t, folder, database, "APP_DATABASE_MIGRATE=false").Await()
	if answer := s.Want(503, "GET", "/readyz", ""); !strings.Contains(answer, "The database has pending migrations") {
		t.Error(answer)
	}
	for _, step := range []struct{ args, want string }{
		{"up", strings.ReplaceAll(all, "pending", "applied")},
		{"status", strings.ReplaceAll(all, "pending", "applied")},
		{"up", "The database is up to date.\n0"},
		{"down", regexp.MustCompile(`(?s)^.*pending(  \w+\n)0$`).ReplaceAllString(all, "undone $1") + "0"},
		{"up", regexp.MustCompile(`(?s)^.*pending(  \w+\n)0$`).ReplaceAllString(all, "applied$1") + "0"},
	} {
		if got := program("migrate", step.args); got != step.want {
			t.Errorf("migrate %s: %q, want %q", step.args, got, step.want)
		}
	}
	s.Want(200, "GET", "/readyz", "")
	s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	if log := s.Printed(); !strings.Contains(log, "run `latchkey migrate up`") {
		t.Error(log)
	}
	for range strings.Count(all, "\n") {
		program("migrate", "down")
	}
	if got := program("migrate", "down"); got != "undone   nothing: no migration is applied\n0" {
		t.Error(got)
	}
}

func TestOnlyServeAndMigrateMakeOrMigrateADatabase(t *testing.T) {
	needDatabase(t, "user create ada@example.com --no-password", "user password ada@example.com", "user promote ada@example.com",
		"jobs", "jobs retry 1")
}

// needDatabase fails the test unless commands refuse a database that is missing, or that
// has pending migrations, and leave it so.
func needDatabase(t *testing.T, commands ...string) {
	t.Helper()
	folder, database := t.TempDir(), newDatabase(t)
	refused := func(because string) {
		t.Helper()
		for _, args := range commands {
			if out, faults, code := kit.Run(t, folder, []string{database}, strings.Fields(args)...); code != 1 || out != "" || !strings.HasSuffix(faults, because+"\n") {
				t.Errorf("%s: exit %d, %s%s, want %s", args, code, out, faults, because)
			}
		}
	}
	if path, isFile := strings.CutPrefix(database, "APP_DATABASE_URL=sqlite://"); isFile {
		refused(path + ": no such file or directory: `latchkey migrate up` makes it")
		if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
			t.Error("a command has made a folder:", err)
		}
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	refused("pending migrations: run `latchkey migrate up`")
	if out, faults, code := kit.Run(t, folder, []string{database}, "migrate", "status"); code != 0 || strings.Contains(out, "applied") {
		t.Errorf("exit %d, %s%s", code, out, faults)
	}
}
