package apptest

import (
	"context"
	"log/slog"
	"time"

	"example.com/latchkey/jobs"
)

// RunJobs runs the background work until the test ends. Without it, jobs wait.
func (a *App) RunJobs() {
	a.t.Helper()
	worker, err := jobs.NewWorker(a.DB, slog.New(slog.NewTextHandler(a.Log, nil)), a.jobs)
	if err != nil {
		a.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		worker.Run(ctx, time.Hour)
	}()
	a.t.Cleanup(func() {
		stop()
		<-done
	})
}
