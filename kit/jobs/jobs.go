// Package jobs runs background work that is kept in the database. A job runs in one process
// at a time, and again after an error or if its process dies, so its function must do no harm
// when it runs twice.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
)

// Job is the input of a job. It is stored as JSON, so it must hold no secret.
type Job interface {
	// Kind names the function of the job. It is stored too.
	Kind() string
}

// Handler runs the jobs of a kind.
type Handler struct {
	kind string
	run  func(ctx context.Context, args []byte) error // nil if the jobs wait
	next Schedule                                     // nil for a job that is added
}

// Handle makes the Handler of a type of job. An error makes the job run again later,
// at most maxAttempts times, and not at all if it is Permanent.
func Handle[J Job](run func(context.Context, J) error) Handler {
	var job J
	return Handler{kind: job.Kind(), run: func(ctx context.Context, args []byte) error {
		var job J
		if err := json.Unmarshal(args, &job); err != nil {
			return Permanent(fmt.Errorf("the arguments cannot be read: %w", err))
		}
		return run(ctx, job)
	}}
}

// When returns a Handler that lets its jobs wait if they cannot run with these settings.
func (h Handler) When(canRun bool) Handler {
	if !canRun {
		h.run = nil
	}
	return h
}

// Periodic makes a Handler that runs on a schedule, in one of all processes. What was
// due while no process ran runs once at the start.
func Periodic(kind string, next Schedule, run func(context.Context) error) Handler {
	return Handler{kind: kind, next: next, run: func(ctx context.Context, _ []byte) error { return run(ctx) }}
}

// Kinds returns the kinds of jobs that handlers run.
func Kinds(handlers []Handler) (kinds []string) {
	for _, handler := range handlers {
		kinds = append(kinds, handler.kind)
	}
	return kinds
}

// Schedule returns the first time of a schedule after a time.
type Schedule func(after time.Time) time.Time

// Every is the schedule of a job that pauses between two runs.
func Every(pause time.Duration) Schedule {
	return func(after time.Time) time.Time { return after.Add(pause) }
}

// Daily is the schedule of a job that runs each day at a time in UTC.
func Daily(hour, minute int) Schedule {
	return func(after time.Time) time.Time {
		year, month, day := after.UTC().Date()
		at := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
		if !at.After(after) {
			at = at.AddDate(0, 0, 1)
		}
		return at
	}
}

// errPermanent is what Permanent adds to an error.
var errPermanent = errors.New("it will not be tried again")

// Permanent makes an error after which the job does not run again.
func Permanent(err error) error { return fmt.Errorf("%w; %w", err, errPermanent) }

// Add adds a job in a transaction. It runs once that is committed.
func Add(tx *gorm.DB, job Job) error { return add(tx, job, nil) }

// AddOnce adds a job in a transaction, unless one that was added with the same key has
// not begun.
func AddOnce(tx *gorm.DB, key string, job Job) error { return add(tx, job, &key) }

func add(tx *gorm.DB, job Job, key *string) error {
	args, err := json.Marshal(job)
	if err != nil {
		return err
	}
	return insert(tx, job.Kind(), args, 0, key)
}

// insert adds a job that runs after wait. If there is one with the same key that has
// not begun, it makes that run no later.
func insert(tx *gorm.DB, kind string, args []byte, wait time.Duration, key *string) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	err = tx.Exec("INSERT INTO jobs (id, created_at, kind, args, run_at, attempts, error, unique_key) VALUES (?, ?, ?, ?, ?, 0, '', ?) "+
		"ON CONFLICT (unique_key) DO UPDATE SET run_at = excluded.run_at WHERE jobs.run_at > excluded.run_at AND jobs.attempts = 0",
		id, tx.NowFunc(), kind, string(args), fromNow(tx, wait), key).Error
	if running, ok := tx.Plugins[waker.Name(nil)].(waker); ok && err == nil {
		database.AfterCommit(tx, running.wake)
	}
	return err
}

// fromNow returns the time after a wait, by the clock of the database, because the
// clocks of replicas differ. SQLite has the clock of this machine.
func fromNow(db *gorm.DB, wait time.Duration) any {
	if db.Name() == "postgres" {
		return gorm.Expr("now() + make_interval(secs => ?)", wait.Seconds())
	}
	return db.NowFunc().Add(wait)
}

// Retry lets a job run again that has failed, or that waits after an error. It reports
// whether there is such a job.
func Retry(db *gorm.DB, id uuid.UUID) (found bool, err error) {
	retried := db.Model(&Row{}).Where("id = ? AND error <> ''", id).Update("run_at", fromNow(db, 0))
	return retried.RowsAffected == 1, retried.Error
}

// keepFailed is how long a failed job is kept, for people who look for the reason.
const keepFailed = 30 * 24 * time.Hour

// Purge deletes the jobs that failed long ago.
func Purge(db *gorm.DB) error {
	return db.Where("run_at IS NULL AND created_at < ?", fromNow(db, -keepFailed)).Delete(&Row{}).Error
}
