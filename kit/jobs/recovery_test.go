package jobs_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/jobs"
)

// store stores jobs as they are.
func store(t *testing.T, db *gorm.DB, all ...jobs.Row) {
	t.Helper()
	for i := range all {
		all[i].ID, all[i].CreatedAt = uuid.Must(uuid.NewV7()), db.NowFunc()
	}
	if err := db.Create(all).Error; err != nil {
		t.Fatal(err)
	}
}

func TestAJobThatKillsItsProcessFailsAtItsThirdAttempt(t *testing.T) {
	for claim, c := range map[string]struct {
		kind  string
		key   *string
		state string
	}{
		"one that is added has failed":      {"fatal", nil, jobs.Failed},
		"a periodic one keeps its schedule": {"fatal hourly", new("fatal hourly"), jobs.Waiting},
	} {
		t.Run(claim, func(t *testing.T) {
			db, url := recorded(t)
			store(t, db, jobs.Row{Kind: c.kind, Args: "{}", RunAt: new(db.NowFunc()), UniqueKey: c.key})
			for range 3 {
				killed, _, _ := launch(t, url, killsItself+"=1")
				_ = killed.Wait()
				expire(t, db)
			}
			add(t, db, "the next one")
			_, _, end := launch(t, url, killsItself+"=1")
			defer end()
			apptest.Await(t, "the next one runs", func() bool { return number(t, db, "SELECT count(*) FROM runs") == 1 })
			var job jobs.Row
			apptest.Await(t, "its error is stored", func() bool {
				job = jobs.Row{}
				return db.Take(&job, "kind = ?", c.kind).Error == nil && job.Error != ""
			})
			if job.State(db.NowFunc()) != c.state || job.Attempts != 3 || job.Error != "the process died while it ran" {
				t.Errorf("%+v", job)
			}
			if c.key != nil && job.RunAt.Sub(db.NowFunc()) < 59*time.Minute {
				t.Errorf("it runs again at %v", job.RunAt)
			}
		})
	}
}

// So no job fails for what another one does.
func TestAJobWhoseProcessDiedTwiceRunsAloneForTenSeconds(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		db := open()
		add(t, db, "x", "y", "z")
		if err := db.Exec("UPDATE jobs SET attempts = 2 WHERE args NOT LIKE '%z%'").Error; err != nil {
			t.Fatal(err)
		}
		began, ran := time.Now(), make(chan time.Duration, 3)
		start(t, db, time.Hour, jobs.Handle(func(context.Context, named) error {
			ran <- time.Since(began)
			time.Sleep(time.Minute)
			return nil
		}))
		const alone, rest = 10 * time.Second, 20 * time.Millisecond
		for _, want := range []time.Duration{0, alone + rest, 2 * (alone + rest)} {
			if got := <-ran; got != want {
				t.Errorf("one began after %v, want %v", got, want)
			}
		}
	})
}

func TestErrorsBetweenTwoDeathsOfAProcessAreEnds(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		db := open()
		store(t, db, jobs.Row{Kind: "named", Args: "{}", RunAt: new(db.NowFunc()), Attempts: 9, Error: "no route to host"})
		began, release := make(chan struct{}), make(chan struct{})
		stop := start(t, db, 0, jobs.Handle(func(context.Context, named) error {
			close(began)
			<-release
			return nil
		}))
		<-began
		stop() // before it ends, as if the process died
		start(t, open(), 0, jobs.Handle(func(context.Context, named) error { return nil }))
		time.Sleep(2 * time.Minute)
		if left := count(t, db); left != 0 {
			t.Errorf("it has not run again: %+v", only(t, db))
		}
		close(release)
	})
}

func TestAJobThatIsDueLaterThanItCouldHonestlyBeRunsNow(t *testing.T) {
	at := func(ahead time.Duration) *time.Time { return new(time.Now().UTC().Add(ahead)) }
	const years = 36 * 365 * 24 * time.Hour
	for claim, c := range map[string]struct {
		job   jobs.Row
		ahead time.Duration
		runs  bool
	}{
		"one that was added by a clock that was ahead":          {jobs.Row{Kind: "named"}, years, true},
		"one that failed then":                                  {jobs.Row{Kind: "named", Attempts: 3, Error: "no"}, years, true},
		"one whose process died then":                           {jobs.Row{Kind: "named", Attempts: 1}, years, true},
		"a periodic one":                                        {jobs.Row{Kind: "hourly", UniqueKey: new("hourly")}, years, true},
		"a periodic one that ran then":                          {jobs.Row{Kind: "hourly", UniqueKey: new("hourly"), Attempts: 1}, years, true},
		"a periodic one that is due after more than its period": {jobs.Row{Kind: "hourly", UniqueKey: new("hourly"), Attempts: 1, Error: "no"}, 61 * time.Minute, true},
		"but not one in its longest pause":                      {jobs.Row{Kind: "named", Attempts: 14, Error: "no"}, 16 * time.Hour, false},
		"nor one that runs elsewhere":                           {jobs.Row{Kind: "named", Attempts: 1}, 90 * time.Second, false},
		"nor a periodic one that runs elsewhere":                {jobs.Row{Kind: "often", UniqueKey: new("often"), Attempts: 1}, 90 * time.Second, false},
		"nor a periodic one on its schedule":                    {jobs.Row{Kind: "hourly", UniqueKey: new("hourly")}, time.Hour, false},
	} {
		for _, running := range []bool{false, true} {
			if !running && c.job.UniqueKey != nil {
				continue // a start brings the next time of a schedule forward
			}
			onClock(t, func(t *testing.T, open func() *gorm.DB) {
				db := open()
				ran := make(chan string, 100)
				handlers := []jobs.Handler{
					jobs.Handle(func(context.Context, named) error {
						ran <- "named"
						return nil
					}),
					jobs.Periodic("hourly", jobs.Every(time.Hour), func(context.Context) error {
						ran <- "hourly"
						return nil
					}),
					jobs.Periodic("often", jobs.Every(10*time.Second), func(context.Context) error {
						ran <- "often"
						return nil
					}),
				}
				begin := func() { start(t, db, time.Hour, handlers...) }
				if running {
					begin()
					synctest.Wait()
				}
				c.job.Args, c.job.RunAt = "{}", at(c.ahead)
				if c.job.UniqueKey != nil {
					db.Delete(&jobs.Row{}, "unique_key = ?", c.job.UniqueKey)
				}
				store(t, db, c.job)
				if !running {
					begin()
				}
				time.Sleep(2 * time.Second)
				if got := len(ran) == 1; got != c.runs {
					t.Errorf("%s: ran %v, want %v; while the program ran: %v", claim, got, c.runs, running)
				}
			})
		}
	}
}

func TestARowThatCannotBeReadIsSkipped(t *testing.T) {
	faults := map[string]string{
		"arguments that are no JSON": "args = '{'",
		"a time that is none":        "run_at = 'soon'", "an early one": "run_at = '!'", "a time of creation that is none": "created_at = 'then'",
		"attempts that are no number": "attempts = 'many'", "an id that is none": "id = 'x'", "an id in capitals": "id = upper(id)",
	}
	if apptest.OnPostgreSQL() {
		faults = map[string]string{"a time that never comes": "run_at = 'infinity'", "one before all others": "run_at = '-infinity'", "a time of creation": "created_at = 'infinity'"}
	}
	for claim, fault := range faults {
		t.Run(claim, func(t *testing.T) {
			db := program.Open(t, program.MigratedDatabase(t), slog.New(slog.DiscardHandler))
			add(t, db, "bad")
			id := only(t, db).ID.String()
			if fault == "id = 'x'" {
				id = "id=x"
			}
			if err := db.Exec("UPDATE jobs SET " + fault).Error; err != nil {
				t.Fatal(err)
			}
			log, ran := new(lines), make(chan string, 10)
			apptest.StartWorker(t, db, slog.New(slog.NewTextHandler(log, nil)), time.Hour, jobs.Handle(func(_ context.Context, job named) error {
				ran <- job.Name
				return nil
			}))
			add(t, db, "good")
			if name := apptest.Receive(t, "the good one runs", ran); name != "good" {
				t.Errorf("%s ran", name)
			}
			apptest.Await(t, "only the bad one is left, and has failed", func() bool {
				return count(t, db) == 1 && number(t, db, "SELECT count(*) FROM jobs WHERE run_at IS NULL AND error <> ''") == 1
			})
			if all := strings.Join(log.since(0), ""); strings.Count(all, "\n") != 1 || !strings.Contains(strings.ToLower(all), id) || !strings.Contains(all, "level=ERROR") {
				t.Error(all)
			}
		})
	}
}

func TestAPeriodicJobKeepsItsScheduleAfterItsRowCouldNotBeRead(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		db, ran := open(), make(chan time.Time, 1)
		begun := time.Now()
		start(t, db, time.Hour, jobs.Periodic("hourly", jobs.Every(time.Hour), func(context.Context) error {
			ran <- time.Now()
			return nil
		}))
		synctest.Wait()
		if err := db.Exec("UPDATE jobs SET created_at = 'then', run_at = 'soon'").Error; err != nil {
			t.Fatal(err)
		}
		if after := (<-ran).Sub(begun); after < time.Hour || after > time.Hour+2*time.Second {
			t.Errorf("after %v", after)
		}
	})
}
