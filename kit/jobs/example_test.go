package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
)

type greet struct{ Name string }

func (greet) Kind() string { return "greet" }

// A job is added in a transaction, and runs once that is committed.
func Example() {
	folder, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(folder)

	settings, log := database.Defaults(), slog.New(slog.DiscardHandler)
	settings.URL = "sqlite://" + folder + "/app.db"
	db, err := database.Open(settings, database.Schema{jobs.CreateJobs, jobs.TurnJobs}, log)
	check(err)
	defer database.Close(db)
	check(database.Migrate(db))
	check(database.Transaction(db, func(tx *gorm.DB) error { return jobs.Add(tx, greet{"Ada"}) }))

	ctx, stop := context.WithCancel(context.Background())
	worker, err := jobs.NewWorker(db, log, []jobs.Handler{jobs.Handle(func(_ context.Context, job greet) error {
		defer stop() // a service stops when it gets a signal
		fmt.Println("Hello,", job.Name)
		return nil
	})})
	check(err)
	worker.Run(ctx, time.Second)
	// Output: Hello, Ada
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
