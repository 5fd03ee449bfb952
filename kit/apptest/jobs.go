package apptest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/jobs"
)

// RunJobs runs the background work until the test ends. Without it, jobs wait.
func (a *App) RunJobs() {
	a.t.Helper()
	StartWorker(a.t, a.DB, slog.New(slog.NewTextHandler(a.Log, nil)), time.Hour, a.running.Jobs...)
}

// StartWorker runs jobs until stop is called or the test ends. Those that run then have
// timeout to end.
func StartWorker(t testing.TB, db *gorm.DB, log *slog.Logger, timeout time.Duration, handlers ...jobs.Handler) (stop func()) {
	t.Helper()
	worker, err := jobs.NewWorker(db, log, handlers)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { worker.Run(ctx, timeout) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

// RunBeside runs what start returns, which a server runs besides requests, until the test
// ends.
func (a *App) RunBeside(start func(context.Context) ([]func(context.Context, *slog.Logger), error)) {
	a.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	all, err := start(ctx)
	if err != nil {
		a.t.Fatal(err)
	}
	var running sync.WaitGroup
	for _, run := range all {
		running.Go(func() { run(ctx, slog.New(slog.NewTextHandler(a.Log, nil))) })
	}
	a.t.Cleanup(func() { stop(); running.Wait() })
}
