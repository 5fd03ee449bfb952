package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
)

var (
	schema  = database.Schema{jobs.CreateJobs, jobs.TurnJobs}
	program = apptest.NewProgram(schema, nil)
)

func TestMain(m *testing.M) {
	if url := os.Getenv(asProgram); url != "" {
		runJobs(url)
		return
	}
	os.Exit(apptest.Main(m))
}

// named is a job with a name that its handler receives.
type named struct {
	Name string `json:"name"`
}

func (named) Kind() string { return "named" }

// start starts a worker without a log.
func start(t testing.TB, db *gorm.DB, timeout time.Duration, handlers ...jobs.Handler) (stop func()) {
	t.Helper()
	return apptest.StartWorker(t, db, slog.New(slog.DiscardHandler), timeout, handlers...)
}

func add(t testing.TB, db *gorm.DB, names ...string) {
	t.Helper()
	err := database.Transaction(db, func(tx *gorm.DB) error {
		for _, name := range names {
			if err := jobs.Add(tx, named{name}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// only returns the one job of the database that is not periodic.
func only(t testing.TB, db *gorm.DB) (job jobs.Row) {
	t.Helper()
	if err := db.Take(&job, "unique_key IS NULL").Error; err != nil {
		t.Fatal(err)
	}
	return job
}

func count(t testing.TB, db *gorm.DB) (rows int64) {
	t.Helper()
	if err := db.Model(&jobs.Row{}).Count(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestAJobRunsOnceItsTransactionIsCommitted(t *testing.T) {
	db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
	ran := make(chan string, 10)
	start(t, db, time.Hour, jobs.Handle(func(_ context.Context, job named) error {
		ran <- job.Name
		return nil
	}))
	refused := errors.New("refused")
	if err := database.Transaction(db, func(tx *gorm.DB) error { return errors.Join(jobs.Add(tx, named{"rolled back"}), refused) }); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	err := database.Transaction(db, func(tx *gorm.DB) error {
		if err := jobs.Add(tx, named{"committed"}); err != nil || len(ran) > 0 {
			t.Errorf("%v, or it ran too early", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if name := apptest.Receive(t, "the job runs", ran); name != "committed" {
		t.Errorf("%s ran", name)
	}
	if err := jobs.Add(db, named{"without a transaction"}); err != nil {
		t.Fatal(err)
	}
	if name := apptest.Receive(t, "the job runs", ran); name != "without a transaction" {
		t.Errorf("%s ran", name)
	}
	apptest.Await(t, "jobs that succeeded are deleted", func() bool { return count(t, db) == 0 })
}

func TestAFailedAttempt(t *testing.T) {
	long := strings.Repeat("x", 499) + "é"
	for claim, c := range map[string]struct {
		run   func(context.Context, named) error
		want  string
		state string
	}{
		"with an error runs again":                           {func(context.Context, named) error { return errors.New("no route to host") }, "no route to host", jobs.Waiting},
		"with a panic runs again":                            {func(context.Context, named) error { panic("at the disco") }, "panic: at the disco", jobs.Waiting},
		"with a permanent error has failed":                  {func(context.Context, named) error { return jobs.Permanent(errors.New("no such mailbox")) }, "no such mailbox; it will not be tried again", jobs.Failed},
		"with an error without a text is told":               {func(context.Context, named) error { return errors.New("") }, "an error without a text", jobs.Waiting},
		"with a long error keeps its beginning":              {func(context.Context, named) error { return errors.New(long) }, long[:499], jobs.Waiting},
		"with an error that is not a text keeps what is one": {func(context.Context, named) error { return errors.New("a\x00b\xff") }, "ab", jobs.Waiting},
	} {
		t.Run(claim, func(t *testing.T) {
			db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
			stop := start(t, db, time.Hour, jobs.Handle(c.run))
			add(t, db, "x")
			apptest.Await(t, "the error is stored", func() bool { return only(t, db).Error != "" })
			stop() // before it runs again
			job := only(t, db)
			if job.Error != c.want || job.State(db.NowFunc()) != c.state || job.Attempts < 1 {
				t.Errorf("%+v is %s", job, job.State(db.NowFunc()))
			}
		})
	}
}

func TestArgumentsThatCannotBeReadFailAtOnce(t *testing.T) {
	db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
	add(t, db, "x")
	if err := db.Model(&jobs.Row{}).Where("kind = 'named'").Update("args", `{"name":1}`).Error; err != nil {
		t.Fatal(err)
	}
	start(t, db, time.Hour, jobs.Handle(func(context.Context, named) error { return nil }))
	apptest.Await(t, "it has failed", func() bool { return only(t, db).RunAt == nil })
}

func TestAFailedJobIsRetriedByHand(t *testing.T) {
	db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
	ran := make(chan string, 10)
	start(t, db, time.Hour, jobs.Handle(func(_ context.Context, job named) error {
		ran <- job.Name
		return jobs.Permanent(errors.New("no"))
	}))
	add(t, db, "x")
	apptest.Receive(t, "it runs", ran)
	apptest.Await(t, "it has failed", func() bool { return only(t, db).RunAt == nil })
	if found, err := jobs.Retry(db, only(t, db).ID); !found || err != nil {
		t.Error(found, err)
	}
	apptest.Receive(t, "it runs again", ran)
	apptest.Await(t, "it has failed again", func() bool { return only(t, db).RunAt == nil && only(t, db).Attempts == 2 })
}

func TestAJobThatHasNotFailedIsNotRetried(t *testing.T) {
	db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
	add(t, db, "x")
	if found, err := jobs.Retry(db, only(t, db).ID); found || err != nil {
		t.Error(found, err)
	}
}

func TestAJobOfANewerVersionWaits(t *testing.T) {
	db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
	add(t, db, "known", "unknown")
	if err := db.Exec("UPDATE jobs SET kind = 'of tomorrow' WHERE args LIKE '%unknown%'").Error; err != nil {
		t.Fatal(err)
	}
	start(t, db, time.Hour, jobs.Handle(func(context.Context, named) error { return nil }))
	apptest.Await(t, "the known one has run", func() bool { return count(t, db) == 1 })
	if job := only(t, db); job.Kind != "of tomorrow" || job.Attempts != 0 {
		t.Errorf("%+v", job)
	}
}

// paused is a job that no program of the test runs.
type paused struct{}

func (paused) Kind() string { return "paused" }

func TestAJobThatCannotRunWaits(t *testing.T) {
	db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
	if err := database.Transaction(db, func(tx *gorm.DB) error { return jobs.Add(tx, paused{}) }); err != nil {
		t.Fatal(err)
	}
	add(t, db, "later")
	start(t, db, time.Hour, jobs.Handle(func(context.Context, paused) error { panic("it cannot run") }).When(false), jobs.Handle(func(context.Context, named) error { return nil }))
	apptest.Await(t, "the later one has run", func() bool { return count(t, db) == 1 })
	if job := only(t, db); job.Kind != "paused" || job.Attempts != 0 || job.Error != "" {
		t.Errorf("%+v", job)
	}
}

func TestTwoHandlersOfOneKindStopTheStart(t *testing.T) {
	db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
	handler := jobs.Handle(func(context.Context, named) error { return nil })
	if _, err := jobs.NewWorker(db, slog.New(slog.DiscardHandler), []jobs.Handler{handler, handler}); err == nil || !strings.Contains(err.Error(), `two jobs are named "named"`) {
		t.Error(err)
	}
}

// Another process has begun the job, because this one was stopped for minutes.
func TestAnAttemptThatLostItsLeaseEndsNothing(t *testing.T) {
	for claim, result := range map[string]error{"a success": nil, "an error": errors.New("late")} {
		t.Run(claim, func(t *testing.T) {
			db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
			began, release := make(chan struct{}), make(chan struct{})
			stop := start(t, db, time.Hour, jobs.Handle(func(context.Context, named) error {
				close(began)
				<-release
				return result
			}))
			add(t, db, "x")
			apptest.Receive(t, "it runs", began)
			if err := db.Exec("UPDATE jobs SET attempts = 2").Error; err != nil {
				t.Fatal(err)
			}
			close(release)
			stop()
			if job := only(t, db); job.Attempts != 2 || job.Error != "" {
				t.Errorf("%+v", job)
			}
		})
	}
}

func TestTheEndOfAJobIsStoredOnceTheDatabaseIsBack(t *testing.T) {
	db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
	var log bytes.Buffer
	runs := 0
	stop := apptest.StartWorker(t, db, slog.New(slog.NewTextHandler(&log, nil)), time.Hour, jobs.Handle(func(context.Context, named) error {
		runs++
		return db.Exec("ALTER TABLE jobs RENAME TO away").Error
	}))
	add(t, db, "x")
	apptest.Await(t, "the table is away", func() bool { return db.Exec("ALTER TABLE away RENAME TO jobs").Error == nil })
	apptest.Await(t, "the job has ended", func() bool { return count(t, db) == 0 })
	stop()
	if runs != 1 {
		t.Errorf("it ran %d times: %s", runs, &log)
	}
}

func TestAStopWaitsForJobsAndGivesBackTheRest(t *testing.T) {
	for claim, c := range map[string]struct {
		timeout time.Duration
		ends    func(ctx context.Context, release <-chan struct{}) error
		left    int64
	}{
		"one that ends is waited for": {time.Hour, func(_ context.Context, release <-chan struct{}) error {
			<-release
			return nil
		}, 0},
		"one that is canceled is given back": {0, func(ctx context.Context, _ <-chan struct{}) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}, 1},
	} {
		t.Run(claim, func(t *testing.T) {
			settings := program.MigratedDatabase(t)
			db := program.Open(t, settings, slog.New(slog.DiscardHandler))
			began, release := make(chan struct{}), make(chan struct{})
			stop := start(t, db, c.timeout, jobs.Handle(func(ctx context.Context, _ named) error {
				close(began)
				return c.ends(ctx, release)
			}))
			add(t, db, "x")
			apptest.Receive(t, "it runs", began)
			stopped := make(chan struct{})
			go func() {
				defer close(stopped)
				stop()
			}()
			close(release)
			apptest.Receive(t, "the worker stops", stopped)
			if left := count(t, db); left != c.left {
				t.Fatalf("%d are left", left)
			}
			if c.left == 0 {
				return
			}
			if job := only(t, db); job.Error != "the program stopped" || job.RunAt == nil || time.Until(*job.RunAt) > time.Minute {
				t.Errorf("%+v", job)
			}
			again := make(chan struct{})
			other := program.Open(t, settings, slog.New(slog.DiscardHandler))
			start(t, other, time.Hour, jobs.Handle(func(context.Context, named) error {
				close(again)
				return nil
			}))
			apptest.Receive(t, "another process runs it", again)
		})
	}
}

func TestManyJobsRunAtTheSameTimeButNotAll(t *testing.T) {
	const most = 8
	db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
	began, release := make(chan string, 100), make(chan struct{})
	start(t, db, time.Hour, jobs.Handle(func(_ context.Context, job named) error {
		began <- job.Name
		<-release
		return nil
	}))
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprint(i))
	}
	add(t, db, names...)
	for range most {
		apptest.Receive(t, "the first run", began)
	}
	if len(began) > 0 || count(t, db) != 20 {
		t.Error("more run")
	}
	close(release)
	for range 20 - most {
		apptest.Receive(t, "the others run", began)
	}
}

func TestSchedules(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for claim, c := range map[string]struct {
		schedule    jobs.Schedule
		after, want string
	}{
		"an hour later":         {jobs.Every(time.Hour), "2026-11-25T23:30:00Z", "2026-11-26T00:30:00Z"},
		"later today":           {jobs.Daily(3, 30), "2026-11-25T03:29:59Z", "2026-11-25T03:30:00Z"},
		"tomorrow":              {jobs.Daily(3, 30), "2026-11-25T03:30:00Z", "2026-11-26T03:30:00Z"},
		"next month":            {jobs.Daily(0, 0), "2026-11-30T12:00:00Z", "2026-12-01T00:00:00Z"},
		"by UTC in other zones": {jobs.Daily(3, 30), "2026-11-25T01:00:00-05:00", "2026-11-26T03:30:00Z"},
	} {
		if got := c.schedule(at(c.after)); !got.Equal(at(c.want)) {
			t.Errorf("%s: %v, want %s", claim, got, c.want)
		}
	}
}

// lines is a log that a test reads while it is written.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(line))
	return len(line), nil
}

func (l *lines) since(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all[n:])
}
