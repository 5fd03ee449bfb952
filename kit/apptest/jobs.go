package apptest

import (
	"context"
	"log/slog"
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
	done := make(chan struct{})
	go func() {
		defer close(done)
		worker.Run(ctx, timeout)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}
