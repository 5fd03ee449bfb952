package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/jobs"
)

// onClock runs a test on the clock of synctest, with a database that has the clock of
// its process. open opens it as another process would.
func onClock(t *testing.T, test func(t *testing.T, open func() *gorm.DB)) {
	t.Helper()
	apptest.SkipOnPostgreSQL(t)
	settings := program.MigratedDatabase(t)
	synctest.Test(t, func(t *testing.T) {
		test(t, func() *gorm.DB { return program.Open(t, settings, slog.New(slog.DiscardHandler)) })
	})
}

func TestAJobRunsAtOnceInItsProcessAndWithinASecondFromAnother(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		own, other := open(), open()
		ran := make(chan time.Time)
		start(t, own, time.Hour, jobs.Handle(func(context.Context, named) error {
			ran <- time.Now()
			return nil
		}))
		time.Sleep(300 * time.Millisecond)
		begin := time.Now()
		add(t, own, "x")
		if took := (<-ran).Sub(begin); took != 0 {
			t.Errorf("in its process after %v", took)
		}
		begin = time.Now()
		add(t, other, "x")
		if took := (<-ran).Sub(begin); took > time.Second {
			t.Errorf("from another process after %v", took)
		}
	})
}

// So a long queue leaves time to requests.
func TestAJobRunsAloneForUpTo20msAndThenTheNextOneWaitsAsLong(t *testing.T) {
	for each, want := range map[time.Duration][]time.Duration{
		5 * time.Millisecond: {0, 10 * time.Millisecond, 20 * time.Millisecond},
		time.Minute:          {0, 40 * time.Millisecond, 80 * time.Millisecond},
	} {
		onClock(t, func(t *testing.T, open func() *gorm.DB) {
			db := open()
			add(t, db, "x", "y", "z")
			began, ran := time.Now(), make(chan time.Duration, len(want))
			start(t, db, time.Hour, jobs.Handle(func(context.Context, named) error {
				ran <- time.Since(began)
				time.Sleep(each)
				return nil
			}))
			for _, at := range want {
				if got := <-ran; got != at {
					t.Errorf("jobs of %v: one began after %v, want %v", each, got, at)
				}
			}
		})
	}
}

func TestThePausesGrowAndTheLastAttemptIsTheLast(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		db := open()
		ran := make(chan time.Time, 100)
		start(t, db, time.Hour, jobs.Handle(func(context.Context, named) error {
			ran <- time.Now()
			return errors.New("no")
		}))
		add(t, db, "x")
		last := <-ran
		for _, least := range []time.Duration{1, 16, 81, 256} {
			now := <-ran
			if pause := now.Sub(last); pause < least*time.Second || pause > least*time.Second*3/2+time.Second {
				t.Errorf("a pause of %v, want %d s and up to half more", pause, least)
			}
			last = now
		}
		synctest.Wait()
		if err := db.Exec("UPDATE jobs SET attempts = 14, run_at = created_at").Error; err != nil {
			t.Fatal(err)
		}
		<-ran
		time.Sleep(time.Minute)
		if job := only(t, db); job.State(db.NowFunc()) != jobs.Failed || job.Attempts != 15 || job.Error != "no" {
			t.Errorf("%+v", job)
		}
		if err := jobs.Purge(db); err != nil || count(t, db) != 1 {
			t.Errorf("%d are left, %v", count(t, db), err)
		}
		if err := db.Model(&jobs.Row{}).Where("run_at IS NULL").Update("created_at", time.Now().UTC().AddDate(0, 0, -31)).Error; err != nil {
			t.Fatal(err)
		}
		if err := jobs.Purge(db); err != nil || count(t, db) != 0 {
			t.Errorf("%d are left after a month, %v", count(t, db), err)
		}
	})
}

func TestALongJobKeepsItsLease(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		var runs atomic.Int64
		handler := jobs.Handle(func(ctx context.Context, _ named) error {
			runs.Add(1)
			select {
			case <-time.After(10 * time.Minute):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		first, second := open(), open()
		start(t, first, time.Hour, handler)
		start(t, second, time.Hour, handler)
		add(t, first, "x")
		time.Sleep(9 * time.Minute)
		if job := only(t, first); job.State(time.Now()) != jobs.Running {
			t.Errorf("%+v", job)
		}
		time.Sleep(2 * time.Minute)
		if left := count(t, first); left != 0 || runs.Load() != 1 {
			t.Errorf("%d are left, %d runs", left, runs.Load())
		}
	})
}

func TestAJobOfAKilledProcessRunsAgainAfterItsLease(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		db := open()
		add(t, db, "x")
		begun := time.Now()
		if err := db.Model(&jobs.Row{}).Where("attempts = 0").Updates(map[string]any{"attempts": 1, "run_at": begun.UTC().Add(90 * time.Second)}).Error; err != nil {
			t.Fatal(err)
		}
		ran := make(chan time.Time)
		start(t, db, time.Hour, jobs.Handle(func(context.Context, named) error {
			ran <- time.Now()
			return nil
		}))
		if after := (<-ran).Sub(begun); after < 90*time.Second || after > 91*time.Second {
			t.Errorf("after %v", after)
		}
	})
}

func TestAJobIsCanceledBeforeAnotherProcessCanBeginIt(t *testing.T) {
	for claim, c := range map[string]struct {
		statement string
		most      time.Duration
	}{
		"if another one has":      {"UPDATE jobs SET attempts = 2", 30 * time.Second},
		"if the database is away": {"ALTER TABLE jobs RENAME TO away", 80 * time.Second},
	} {
		t.Run(claim, func(t *testing.T) {
			onClock(t, func(t *testing.T, open func() *gorm.DB) {
				db := open()
				began, ended := make(chan time.Time, 1), make(chan time.Time, 1)
				start(t, db, 0, jobs.Handle(func(ctx context.Context, _ named) error {
					began <- time.Now()
					<-ctx.Done()
					ended <- time.Now()
					return context.Cause(ctx)
				}))
				add(t, db, "x")
				begin := <-began
				if err := db.Exec(c.statement).Error; err != nil {
					t.Fatal(err)
				}
				if after := (<-ended).Sub(begin); after > c.most {
					t.Errorf("after %v", after)
				}
			})
		})
	}
}

func TestAJobThatIgnoresItsContextDoesNotStopTheEnd(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		db := open()
		began, release := make(chan struct{}), make(chan struct{})
		stop := start(t, db, 10*time.Second, jobs.Handle(func(context.Context, named) error {
			close(began)
			<-release
			return nil
		}))
		add(t, db, "x")
		<-began
		begin := time.Now()
		stop()
		if took := time.Since(begin); took != 12*time.Second {
			t.Errorf("stopped after %v", took)
		}
		close(release)
		synctest.Wait()
	})
}

func TestPeriodicJobsRunOnceAmongReplicas(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		var hourly, failing atomic.Int64
		var nightly []time.Time
		handlers := []jobs.Handler{
			jobs.Periodic("hourly", jobs.Every(time.Hour), func(context.Context) error {
				hourly.Add(1)
				return nil
			}),
			jobs.Periodic("nightly", jobs.Daily(1, 30), func(context.Context) error {
				nightly = append(nightly, time.Now().UTC())
				return nil
			}),
			jobs.Periodic("failing", jobs.Every(30*time.Minute), func(context.Context) error {
				failing.Add(1)
				return errors.New("no")
			}),
		}
		first, second := open(), open()
		stop := start(t, first, time.Hour, handlers...)
		start(t, second, time.Hour, handlers...)
		time.Sleep(3*time.Hour + time.Minute)
		if hourly.Load() != 3 || count(t, first) != 3 {
			t.Errorf("%d hourly runs, %d rows", hourly.Load(), count(t, first))
		}
		if len(nightly) != 1 || nightly[0].Format("15:04") != "01:30" {
			t.Errorf("nightly at %v", nightly)
		}
		if n := failing.Load(); n < 7 || n > 15 { // 1 s, 16 s and so on, and never after the next half hour
			t.Errorf("the failing one ran %d times", n)
		}
		stop()
		time.Sleep(time.Hour)
		if hourly.Load() != 4 {
			t.Errorf("%d hourly runs without the first process", hourly.Load())
		}
	})
}

func TestAnEarlierScheduleAppliesAtTheNextStart(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		ran := make(chan time.Time, 1)
		run := func(context.Context) error {
			ran <- time.Now()
			return nil
		}
		stop := start(t, open(), 0, jobs.Periodic("report", jobs.Every(30*24*time.Hour), run))
		synctest.Wait()
		stop()
		begin := time.Now()
		start(t, open(), 0, jobs.Periodic("report", jobs.Every(time.Minute), run))
		if after := (<-ran).Sub(begin); after < time.Minute || after > time.Minute+time.Second {
			t.Errorf("after %v", after)
		}
	})
}

func TestAnIdleWorkerOnlyReads(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	settings := program.MigratedDatabase(t)
	synctest.Test(t, func(t *testing.T) {
		statements := new(lines)
		db := program.Open(t, settings, slog.New(slog.NewTextHandler(statements, &slog.HandlerOptions{Level: slog.LevelDebug})))
		start(t, db, time.Hour, jobs.Handle(func(context.Context, named) error { return nil }),
			jobs.Periodic("nightly", jobs.Every(24*time.Hour), func(context.Context) error { return nil }))
		synctest.Wait()
		begin := len(statements.since(0))
		time.Sleep(10 * time.Minute)
		idle := statements.since(begin)
		if len(idle) == 0 || len(idle) > 600 {
			t.Errorf("%d statements in 600 seconds", len(idle))
		}
		for _, line := range idle {
			if !strings.Contains(line, "SELECT") || strings.Contains(line, "UPDATE") || strings.Contains(line, "INSERT") {
				t.Fatal(line)
			}
		}
	})
}
