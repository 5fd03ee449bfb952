package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
)

const (
	// maxRunning is how many jobs one process runs at the same time, and one more of each
	// kind of which none runs.
	maxRunning = 8

	// A job runs alone for up to the time alone. Then the worker rests for as long as the
	// job ran, for up to the time rest. So in a long queue, jobs that compute use at most
	// half a core and leave the rest to requests, and jobs that wait for something run at
	// the same time.
	alone = 20 * time.Millisecond
	rest  = alone

	// lastAlone is alone for the last of maxLost attempts: if the process dies again, no
	// other job has begun since.
	lastAlone = 10 * time.Second

	// pollInterval is how often an idle worker looks for jobs that other processes
	// have added, or that are due again.
	pollInterval = time.Second

	// stopGrace is how long a canceled job may take to return.
	stopGrace = 2 * time.Second
)

// waker is a plugin of GORM, with which Add finds the worker of its process.
type waker chan struct{}

// Name is the name of the plugin in GORM.
func (waker) Name() string { return "jobs" }

// Initialize is a part of GORM's interface.
func (waker) Initialize(*gorm.DB) error { return nil }

func (w waker) wake() {
	select {
	case w <- struct{}{}:
	default: // a call is already waiting
	}
}

// Worker runs the jobs of one process.
type Worker struct {
	db        *gorm.DB
	log       *slog.Logger
	handlers  map[string]Handler
	waker     waker
	scheduled bool     // whether every periodic job is in the database
	turns     []string // the kinds, with the one at the end that had the last turn

	mu      sync.Mutex
	running map[string]int // by kind
}

// NewWorker makes the only Worker of db. Two handlers of one kind are an error.
func NewWorker(db *gorm.DB, log *slog.Logger, handlers []Handler) (*Worker, error) {
	handlers = slices.DeleteFunc(slices.Clone(handlers), func(h Handler) bool { return h.run == nil })
	w := &Worker{db: db, log: log, handlers: map[string]Handler{}, waker: make(waker, 1), turns: Kinds(handlers), running: map[string]int{}}
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
	w.begin(ctx, func(job Row, ended func()) {
		group.Go(func() {
			w.work(running, job)
			ended()
		})
	})
	all := make(chan struct{})
	go func() {
		group.Wait()
		close(all)
	}()
	defer time.AfterFunc(timeout, func() { cancel(errStopped) }).Stop()
	select {
	case <-all:
	case <-time.After(timeout + stopGrace):
		w.log.Error("a job does not end when its context ends: it runs again later")
	}
}

// begin begins jobs as long as ctx lasts, as free allows.
func (w *Worker) begin(ctx context.Context, start func(job Row, ended func())) {
	for warned := false; ctx.Err() == nil; {
		job, found, err := w.claim(context.WithoutCancel(ctx)) // a job that is claimed must start
		if err != nil && !warned {
			w.log.Error("no job can start, because the database does not answer", "error", err)
		}
		warned = err != nil
		if !found {
			select {
			case <-ctx.Done():
			case <-w.waker:
			case <-time.After(pollInterval):
			}
			continue
		}
		began, alone := time.Now(), alone
		if job.Attempts-job.Ended == maxLost {
			alone = lastAlone
		}
		w.count(job.Kind, 1)
		running, end := context.WithTimeout(ctx, alone)
		start(job, func() {
			w.count(job.Kind, -1)
			end()
			w.waker.wake() // perhaps another job may begin
		})
		<-running.Done()
		_ = sleep(ctx, min(time.Since(began), rest))
	}
}

// count counts a job that runs, or that has ended.
func (w *Worker) count(kind string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[kind] += n
}
