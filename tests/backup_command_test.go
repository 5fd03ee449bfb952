package tests

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/models"
)

func TestDataIsCopiedToAnotherDatabase(t *testing.T) {
	folder, target := t.TempDir(), newDatabase(t)
	s := apptest.Launch(t, folder).Await()
	s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	bearer := "Bearer " + s.Token("ada@example.com")
	s.Signal(os.Interrupt)
	s.End()
	out, faults, code := kit.Run(t, folder, []string{target}, "db", "copy", "--from", "sqlite://data/app.db")
	if want := "sessions             1 rows\nusers                1 rows\n"; code != 0 || !strings.HasSuffix(out, want) { // after the jobs
		t.Fatalf("exit %d, %s%s", code, out, faults)
	}
	copied := apptest.Launch(t, folder, target).Await()
	copied.Want(200, "GET", "/me", "", "Authorization", bearer)
	copied.Token("ada@example.com")
	for args, want := range map[string]string{
		"--from sqlite://data/app.db":                           "the database to copy to is not empty",
		"--from sqlite://data/app.db --to sqlite://data/app.db": "name the other one with --from or --to",
		"": "name the other one with --from or --to",
		"--to postgre://ada:hunter2@127.0.0.1:1/x":    "--to: write sqlite://PATH with the path of a file",
		"--from sqlite://nowhere":                     "nowhere: no such file or directory",
		"--from postgres://ada:hunter2@127.0.0.1:1/x": "cannot open postgres://ada:xxxxx@127.0.0.1:1/x",
	} {
		_, faults, code := kit.Run(t, folder, []string{target}, append([]string{"db", "copy"}, strings.Fields(args)...)...)
		if code != 1 || !strings.Contains(faults, want) || strings.Contains(faults, "hunter2") {
			t.Errorf("%s: exit %d, %s", args, code, faults)
		}
	}
}

func TestABackupOfAMissingDatabaseWritesNoFile(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder, path := t.TempDir(), filepath.Join(t.TempDir(), "made", "app.db")
	_, faults, code := kit.Run(t, folder, []string{"APP_DATABASE_URL=sqlite://" + path}, "db", "backup", "b.db")
	if code != 1 || !strings.Contains(faults, path+": no such file or directory") {
		t.Errorf("exit %d, %s", code, faults)
	}
	for _, name := range []string{filepath.Dir(path), filepath.Join(folder, "b.db")} {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was made: %v", name, err)
		}
	}
}

// shell runs a script in a folder, in which latchkey is the program.
func shell(t *testing.T, folder, script string) (output string) {
	t.Helper()
	installed := t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(installed, "latchkey")); err != nil {
		t.Fatal(err)
	}
	program := kit.Command(t, folder, nil)
	program.Path, program.Args = "/bin/sh", []string{"sh", "-ec", `PATH="` + installed + `:$PATH"; systemctl() { :; }; ` + script}
	out, err := program.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return string(out)
}

// inDeploy returns what a pattern finds in a file, such as ../deploy/latchkey.service.
func inDeploy(t *testing.T, file, pattern string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if err != nil || found == nil {
		t.Fatalf("%s has no %s: %v", file, pattern, err)
	}
	return string(found[1])
}

// The timer's unit makes the backup, and the steps of its page restore it.
func TestABackupIsTakenWhileTheServerWrites(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	if runtime.GOOS != "linux" {
		t.Skip("the units are for Linux")
	}
	const unit = "../parts/backup/latchkey-backup.service"
	escapes := strings.NewReplacer("$$", "$", "%%", "%", "exec /usr/local/bin/", "")
	backup := escapes.Replace(inDeploy(t, unit, `(?m)^ExecStart=/bin/sh -c '(.*)'$`))
	cleaning := inDeploy(t, unit, `(?m)^ExecStartPost=(.*)$`)
	restoring := inDeploy(t, "../parts/backup/README.md", "(?s)```sh\n(systemctl stop [^`]*)```")

	folder := t.TempDir()
	old := filepath.Join(folder, "backups", "old.db")
	threeDaysAgo := time.Now().Add(-72 * time.Hour)
	if err := errors.Join(os.Mkdir(filepath.Dir(old), 0o700), os.WriteFile(old, nil, 0o600), os.Chtimes(old, threeDaysAgo, threeDaysAgo)); err != nil {
		t.Fatal(err)
	}
	const databaseURL = "APP_DATABASE_URL=sqlite://app.db"
	s := apptest.Launch(t, folder, databaseURL).Await()
	users := startLoad(t, 8, func(n int64) { s.Want(201, "POST", "/register", apptest.Credentials(fmt.Sprint(n, "@example.com"))) })
	defer users.stop()
	users.awaitMore(200)
	before := users.done.Load()
	out := shell(t, folder, databaseURL+"; export APP_DATABASE_URL; "+backup)
	after := users.begun.Load()
	users.stop()
	if !strings.HasPrefix(out, "The backup is backups/20") {
		t.Fatal(out)
	}
	shell(t, folder, cleaning)
	kept, err := filepath.Glob(filepath.Join(folder, "backups", "*"))
	if err != nil || len(kept) != 1 || kept[0] == old {
		t.Fatalf("kept %v, %v", kept, err)
	}

	if out, faults, code := kit.Run(t, folder, []string{databaseURL}, "db", "restore", kept[0]); code != 1 || !strings.Contains(faults, "stop the program that uses it") {
		t.Fatalf("while it runs: exit %d, %s%s", code, out, faults)
	}
	s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	s.Signal(os.Interrupt)
	s.End()
	out = shell(t, folder, regexp.MustCompile(`backups/\S+\.db`).ReplaceAllString(strings.Replace(restoring, "/var/lib/latchkey", folder, 1), kept[0]))
	if !strings.HasPrefix(out, "The backup is restored.\nThe previous database is now app.db.") {
		t.Fatal(out)
	}
	db := apptest.Open(t, database.Settings{URL: "sqlite://" + filepath.Join(folder, "app.db")}, slog.New(slog.DiscardHandler))
	var count, later int64
	err = errors.Join(db.Model(&models.User{}).Count(&count).Error, db.Model(&models.User{}).Where("email = 'ada@example.com'").Count(&later).Error)
	if err != nil || count < before || count > after || later > 0 {
		t.Errorf("%d users, want at least %d (acknowledged before the backup) and at most %d (sent until after it), %v", count, before, after, err)
	}
	apptest.Launch(t, folder, databaseURL).Await().Token("1@example.com")
}
