package jobs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
)

// asProgram makes the test's binary run as a program with the database of this URL. It
// adds jobs as long as it runs, if addsJobs is set, and prints the name of each that
// is committed. If killsItself is set, some of its jobs end the process.
const (
	asProgram   = "TEST_JOBS_PROGRAM"
	addsJobs    = "TEST_JOBS_ADDS"
	killsItself = "TEST_JOBS_KILLS_ITSELF"
)

// fatal is a job that ends its process.
type fatal struct{}

func (fatal) Kind() string { return "fatal" }

// runJobs runs jobs until its standard input ends.
func runJobs(url string) {
	settings := database.Defaults()
	settings.URL = url
	db, err := database.Open(settings, schema, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	handlers := []jobs.Handler{record(db)}
	if os.Getenv(killsItself) != "" {
		handlers = append(handlers,
			jobs.Handle(func(context.Context, fatal) error { os.Exit(1); return nil }),
			jobs.Periodic("fatal hourly", jobs.Every(time.Hour), func(context.Context) error { os.Exit(1); return nil }))
	}
	worker, err := jobs.NewWorker(db, slog.New(slog.DiscardHandler), handlers)
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	for range 4 {
		go func() {
			for os.Getenv(addsJobs) != "" && ctx.Err() == nil {
				name := uuid.Must(uuid.NewV7()).String()
				err := database.Transaction(db, func(tx *gorm.DB) error { return jobs.Add(tx, named{name}) }) //nolint:contextcheck // without a context
				if err == nil {
					fmt.Println(name)
				}
			}
		}()
	}
	worker.Run(ctx, time.Minute)
}

// record is a job that writes down that it ran, and whether it had ended before.
func record(db *gorm.DB) jobs.Handler {
	return jobs.Handle(func(ctx context.Context, job named) error {
		return db.WithContext(ctx).Exec("INSERT INTO runs VALUES (?, (SELECT count(*) FROM ended WHERE args = ?))", job.Name, `{"name":"`+job.Name+`"}`).Error
	})
}

// recorded makes the tables that record uses. A trigger writes down the end of each
// job.
func recorded(t *testing.T) (db *gorm.DB, url string) {
	t.Helper()
	settings := apptest.NewDatabase(t)
	db = program.Open(t, settings, slog.New(slog.DiscardHandler))
	statements := []string{
		"CREATE TABLE runs (name text, ended_before integer)",
		"CREATE TABLE ended (args text PRIMARY KEY)",
		"CREATE TRIGGER note_end AFTER DELETE ON jobs BEGIN INSERT INTO ended VALUES (OLD.args); END",
	}
	if apptest.OnPostgreSQL() {
		statements[2] = `CREATE FUNCTION note_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ended VALUES (OLD.args); RETURN NULL; END $$`
		statements = append(statements, "CREATE TRIGGER note_end AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION note_end()")
	}
	for _, statement := range statements {
		if err := db.Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
	return db, settings.URL
}

// launch starts the program. It ends when the test or its input does.
func launch(t *testing.T, url string, environ ...string) (run *exec.Cmd, printed *bufio.Scanner, end func()) {
	t.Helper()
	run = exec.CommandContext(t.Context(), os.Args[0])                              //nolint:gosec // the test itself
	url = strings.Replace(url, "application_name=", "application_name=program_", 1) // for expire
	run.Env = append(os.Environ(), append(environ, asProgram+"="+url)...)
	run.Stderr = os.Stderr
	input, inputErr := run.StdinPipe()
	output, outputErr := run.StdoutPipe()
	if err := errors.Join(inputErr, outputErr, run.Start()); err != nil {
		t.Fatal(err)
	}
	return run, bufio.NewScanner(output), func() {
		_ = input.Close()
		_ = run.Wait()
	}
}

// number returns the result of a query for a number.
func number(t *testing.T, db *gorm.DB, query string) (n int64) {
	t.Helper()
	if err := db.Raw(query).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEachOf400JobsRunsOnceAmongThreeProcesses(t *testing.T) {
	db, url := recorded(t)
	for range 3 {
		_, _, end := launch(t, url)
		defer end()
	}
	for i := range 400 {
		add(t, db, fmt.Sprint("job ", i, "."))
	}
	apptest.Await(t, "all have ended", func() bool { return count(t, db) == 0 })
	if runs, names := number(t, db, "SELECT count(*) FROM runs"), number(t, db, "SELECT count(DISTINCT name) FROM runs"); runs != 400 || names != 400 {
		t.Errorf("%d of 400 ran, %d times", names, runs)
	}
}

// expire ends the leases of a killed program, as 90 seconds would.
func expire(t *testing.T, db *gorm.DB) {
	t.Helper()
	if apptest.OnPostgreSQL() {
		apptest.Await(t, "the server has ended what the program asked for", func() bool {
			return number(t, db, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'program_' || current_setting('application_name')") == 0
		})
	}
	if err := db.Exec("UPDATE jobs SET run_at = created_at WHERE attempts > 0").Error; err != nil {
		t.Fatal(err)
	}
}

// KILLS is how many programs are killed, each at a random moment under load.
func TestEveryAcknowledgedJobRunsAlthoughItsProgramIsKilled(t *testing.T) {
	kills := 10
	if set := os.Getenv("KILLS"); set != "" {
		kills, _ = strconv.Atoi(set)
	}
	db, url := recorded(t)
	acknowledged := map[string]bool{}
	for range kills {
		killed, printed, end := launch(t, url, addsJobs+"=1")
		for last := len(acknowledged) + 1 + rand.IntN(100); printed.Scan(); { //nolint:gosec // not a secret
			acknowledged[printed.Text()] = true
			if len(acknowledged) == last {
				_ = killed.Process.Kill() // what it has printed by then counts too
			}
		}
		end()
		expire(t, db)
		if err := db.Exec("UPDATE jobs SET ended = attempts").Error; err != nil { // so that no job fails because its process has died three times
			t.Fatal(err)
		}
	}
	_, _, end := launch(t, url)
	apptest.Await(t, "all have ended", func() bool { return count(t, db) == 0 })
	end()
	var ran []string
	if err := db.Raw("SELECT DISTINCT name FROM runs").Scan(&ran).Error; err != nil {
		t.Fatal(err)
	}
	for _, name := range ran {
		delete(acknowledged, name)
	}
	again := number(t, db, "SELECT count(*) FROM runs") - int64(len(ran))
	if late := number(t, db, "SELECT count(*) FROM runs WHERE ended_before > 0"); late > 0 || len(acknowledged) > 0 {
		t.Errorf("%d acknowledged jobs did not run, %d ran after they had ended", len(acknowledged), late)
	}
	t.Logf("%d programs were killed, %d jobs ran, %d runs were repeated because the end was not stored", kills, len(ran), again)
}
