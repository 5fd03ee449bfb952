package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/models"
)

const (
	// maxRunning is how many jobs one process runs at the same time.
	maxRunning = 8

	// alone is how long a job runs alone, and the longest rest after that, which is as
	// long as it ran. So the jobs of a long queue that work take half a core at most, and
	// leave the rest to requests, while those that wait run at the same time.
	alone = 20 * time.Millisecond

	// pollInterval is how often an idle worker looks for jobs that other processes
	// have added, or that are due again.
	pollInterval = time.Second

	// stopGrace is how long a canceled job may take to return.
	stopGrace = 2 * time.Second
)

// waker is a plugin of GORM, with which Add finds the worker of its process.
type waker struct{ calls chan struct{} }

// Name is the name of the plugin in GORM.
func (waker) Name() string { return "jobs" }

// Initialize is a part of GORM's interface.
func (waker) Initialize(*gorm.DB) error { return nil }

func (w waker) wake() {
	select {
	case w.calls <- struct{}{}:
	default: // a call is already waiting
	}
}

// Worker runs the jobs of one process.
type Worker struct {
	db        *gorm.DB
	log       *slog.Logger
	handlers  map[string]Handler
	waker     waker
	scheduled bool // whether every periodic job is in the database
}

// NewWorker makes the only Worker of db. Two handlers of one kind are an error.
func NewWorker(db *gorm.DB, log *slog.Logger, handlers []Handler) (*Worker, error) {
	w := &Worker{db: db, log: log, handlers: map[string]Handler{}, waker: waker{make(chan struct{}, 1)}}
	for _, handler := range handlers {
		if _, ok := w.handlers[handler.kind]; ok {
			return nil, fmt.Errorf("two jobs are named %q", handler.kind)
		}
		w.handlers[handler.kind] = handler
	}
	return w, db.Use(w.waker)
}

// Run runs jobs until ctx ends, and then waits up to timeout for those that run. What
// has not ended by then is canceled, and can run in another process.
func (w *Worker) Run(ctx context.Context, timeout time.Duration) {
	running, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	var group sync.WaitGroup
	w.begin(ctx, func(job models.Job, done func()) {
		group.Go(func() {
			defer done()
			w.work(running, job)
		})
	})
	ended := make(chan struct{})
	go func() {
		group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-time.After(timeout):
		cancel(errStopped)
	}
	select {
	case <-ended:
	case <-time.After(stopGrace):
		w.log.Error("a job does not end when its context ends: it runs again later")
	}
}

// begin begins jobs as long as ctx lasts. It waits while maxRunning have not called done.
func (w *Worker) begin(ctx context.Context, start func(job models.Job, done func())) {
	slots := make(chan struct{}, maxRunning)
	for warned := false; ; {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		job, found, err := w.claim(context.WithoutCancel(ctx)) // a job that is claimed must start
		if err != nil && !warned {
			w.log.Error("no job can start, because the database does not answer", "error", err)
		}
		warned = err != nil
		if found {
			began, ended := time.Now(), make(chan struct{})
			start(job, func() {
				<-slots
				close(ended)
			})
			select {
			case <-ended:
			case <-time.After(alone):
			case <-ctx.Done():
			}
			_ = sleep(ctx, min(time.Since(began), alone))
			continue
		}
		<-slots
		select {
		case <-ctx.Done():
			return
		case <-w.waker.calls:
		case <-time.After(pollInterval):
		}
	}
}

// claim takes the job that is due for the longest time. It first only reads, because a
// write would delay others in SQLite.
func (w *Worker) claim(ctx context.Context) (job models.Job, found bool, err error) {
	db := w.db.WithContext(ctx)
	if !w.scheduled {
		if err := w.schedule(db); err != nil {
			return job, false, err
		}
		w.scheduled = true
	}
	due := func(db *gorm.DB) *gorm.DB {
		kinds := slices.Sorted(maps.Keys(w.handlers)) // a newer version may have more
		return db.Model(&models.Job{}).Select("id").Where("run_at <= ? AND kind IN ?", fromNow(db, 0), kinds).Order("run_at").Limit(1)
	}
	if look := due(db).Find(&job); look.Error != nil || look.RowsAffected == 0 {
		return job, false, look.Error
	}
	next := due(db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}))
	returned := clause.Returning{Columns: []clause.Column{{Name: "id"}, {Name: "kind"}, {Name: "args"}, {Name: "attempts"}}}
	job = models.Job{}
	claimed := db.Model(&job).Clauses(returned).Where("id = (?)", next).
		Updates(map[string]any{"run_at": fromNow(db, lease), "attempts": gorm.Expr("attempts + 1"), "error": ""})
	return job, claimed.RowsAffected == 1, claimed.Error
}

// schedule adds the periodic jobs that are missing.
func (w *Worker) schedule(db *gorm.DB) error {
	for kind, handler := range w.handlers {
		if handler.next != nil {
			if err := insert(db, kind, []byte("{}"), handler.wait(db), &kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// wait returns the time until a periodic job is due.
func (h Handler) wait(db *gorm.DB) time.Duration {
	now := db.NowFunc()
	return h.next(now).Sub(now)
}
