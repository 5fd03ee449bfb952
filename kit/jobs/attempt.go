package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
)

const (
	// A process that runs a job owns it for lease, and renews that. If it cannot, it
	// cancels the job before another process may begin it.
	lease        = 90 * time.Second
	renewEvery   = 30 * time.Second
	cancelBefore = 10 * time.Second

	// maxAttempts and the pauses between them make two days. No pause is longer than
	// longestPause.
	maxAttempts  = 15
	longestPause = maxAttempts * maxAttempts * maxAttempts * maxAttempts * time.Second * 3 / 2

	// storePause is how long a worker waits before it tries again to store the end of
	// a job.
	storePause = time.Second

	maxError = 500 // bytes
)

// The causes of a job's context that ended.
var (
	errLeaseLost = errors.New("the database could not be reached, or another process has begun this job")
	errStopped   = errors.New("the program stopped")
)

// work runs a claimed job and stores its end.
func (w *Worker) work(ctx context.Context, job Row) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go w.renew(ctx, job, cancel)
	err := w.call(ctx, job)
	for { // an end that is not stored makes the job run twice
		storeErr := w.end(context.WithoutCancel(ctx), job, err, context.Cause(ctx))
		if storeErr == nil {
			return
		}
		w.log.Error("the end of a job could not be stored", "id", job.ID, "kind", job.Kind, "error", storeErr)
		if sleep(ctx, storePause) != nil {
			return
		}
	}
}

// renew renews the lease of a job until ctx ends, and ends ctx if the lease is lost.
func (w *Worker) renew(ctx context.Context, job Row, cancel context.CancelCauseFunc) {
	expiry := time.AfterFunc(lease-cancelBefore, func() { cancel(errLeaseLost) })
	defer expiry.Stop()
	for sleep(ctx, renewEvery) == nil {
		renewed := w.attempt(w.db.WithContext(ctx), job).Update("run_at", fromNow(w.db, lease))
		switch {
		case renewed.Error != nil: // try again until expiry
		case renewed.RowsAffected == 0:
			cancel(errLeaseLost)
		default:
			expiry.Reset(lease - cancelBefore)
		}
	}
}

// attempt selects a job unless another attempt has begun since.
func (w *Worker) attempt(db *gorm.DB, job Row) *gorm.DB {
	return db.Model(&Row{}).Where("id = ? AND attempts = ?", job.ID, job.Attempts)
}

// call runs the function of a job. A panic is an error.
func (w *Worker) call(ctx context.Context, job Row) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
			w.log.Error("a job panicked", "id", job.ID, "kind", job.Kind, "stack", string(debug.Stack()))
		}
	}()
	return w.handlers[job.Kind].run(ctx, []byte(job.Args))
}

// end stores how an attempt ended. stopped is why its context ended, if it did.
func (w *Worker) end(ctx context.Context, job Row, err, stopped error) error {
	db, handler := w.db.WithContext(ctx), w.handlers[job.Kind]
	attempt := w.attempt(db, job)
	switch {
	case err == nil && handler.next == nil:
		return attempt.Delete(&Row{}).Error
	case err == nil:
		// The next run has its own id, so that an attempt that lost its lease cannot
		// end it.
		return attempt.Updates(map[string]any{
			"id": uuid.Must(uuid.NewV7()), "created_at": db.NowFunc(), "run_at": handler.nextRun(db), "attempts": 0,
		}).Error
	}
	level, wait := slog.LevelWarn, pause(job.Attempts)
	if handler.next != nil {
		wait = min(wait, handler.wait(db))
	}
	runAt := fromNow(db, wait)
	switch {
	case errors.Is(stopped, errStopped):
		level, runAt = slog.LevelInfo, fromNow(db, 0)
	case job.Attempts >= maxAttempts || errors.Is(err, errPermanent) || errors.Is(err, errDied):
		runAt = handler.nextRun(db)
	}
	if runAt == nil {
		level = slog.LevelError
	}
	message := stored(err)
	w.log.Log(ctx, level, "a job failed", "id", job.ID, "kind", job.Kind, "attempt", job.Attempts, "again", runAt != nil, "error", message)
	return attempt.Updates(map[string]any{"run_at": runAt, "error": message}).Error
}

// pause returns the pause after an attempt: 1 s, 16 s, 81 s and so on, and up to half
// more, so that jobs that failed together do not run again together.
func pause(attempt int) time.Duration {
	n := time.Duration(min(attempt, maxAttempts))
	least := n * n * n * n * time.Second
	return least + rand.N(least/2) //nolint:gosec // not a secret
}

// stored returns the text of an error as the database can store it.
func stored(err error) string {
	text := err.Error()
	text = strings.ReplaceAll(text[:min(len(text), maxError)], "\x00", "")
	return cmp.Or(strings.ToValidUTF8(text, ""), "an error without a text")
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
