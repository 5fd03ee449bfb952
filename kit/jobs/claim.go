package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/problem"
)

// maxLost is how many attempts in a row may not end: a job that kills its process would
// kill each one that starts.
const maxLost = 3

// errDied is the error of a job with maxLost attempts that did not end. An attempt that
// lost its lease, because its process was paused, looks the same.
var errDied = errors.New("the process died while it ran")

// givenUp is the key of a job that has begun, so that another one can be added with it.
// Only periodic jobs keep theirs, which is their kind.
var givenUp = gorm.Expr("CASE WHEN unique_key = kind THEN unique_key END")

// claim takes the job that is due for the longest time of the kind whose turn it is. It
// first only reads, because a write would delay others in SQLite.
func (w *Worker) claim(ctx context.Context) (job Row, found bool, err error) {
	db := w.db.WithContext(ctx)
	if !w.scheduled {
		if err := w.schedule(db); err != nil {
			return job, false, err
		}
		w.scheduled = true
	}
	for {
		id, kind, err := w.next(db)
		if err != nil || kind == "" {
			return job, false, err
		}
		if job, found, err = w.try(ctx, id, kind); found || err != nil {
			return job, found, err
		}
	}
}

// free returns the kinds of which a job may begin, in the order of their turns. While
// maxRunning jobs run, these are the kinds without a running job, so that long jobs of
// one kind delay no other kind.
func (w *Worker) free() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	total := 0
	for _, n := range w.running {
		total += n
	}
	return slices.DeleteFunc(slices.Clone(w.turns), func(kind string) bool { return total >= maxRunning && w.running[kind] > 0 })
}

// next returns the job that is due for the longest time of the first free kind that has
// one, or no kind. That kind then has its turn after all others. A job that would wait
// for longer than its kind can is due too: a clock was ahead.
func (w *Worker) next(db *gorm.DB) (id any, kind string, err error) {
	kinds := w.free()
	if len(kinds) == 0 {
		return nil, "", nil
	}
	var turns []string
	values := []any{fromNow(db, 0)}
	for i, kind := range kinds {
		turns = append(turns, fmt.Sprintf("(%d, ?, ?)", i))
		values = append(values, kind, fromNow(db, w.handlers[kind].longest(db.NowFunc())))
	}
	err = db.Raw("SELECT id, column2 FROM (SELECT column1, column2, COALESCE("+
		"(SELECT id FROM jobs WHERE kind = column2 AND run_at <= ? ORDER BY run_at LIMIT 1), "+
		"(SELECT id FROM jobs WHERE kind = column2 AND run_at > column3 LIMIT 1)) AS id "+
		"FROM (VALUES "+strings.Join(turns, ", ")+") AS kinds) AS firsts WHERE id IS NOT NULL ORDER BY column1 LIMIT 1", values...).
		Row().Scan(&id, &kind)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	w.turns = append(slices.DeleteFunc(w.turns, func(other string) bool { return other == kind }), kind)
	return id, kind, nil
}

// try begins an attempt of a job, if it still is due and its row lets it begin.
func (w *Worker) try(ctx context.Context, id any, kind string) (job Row, begun bool, err error) {
	db := w.db.WithContext(ctx)
	fault := db.Take(&job, "id = ?", id).Error
	if fault == nil && fmt.Sprint(id) != job.ID.String() { // no statement would find it
		fault = errors.New("the id is not as this program writes it")
	}
	switch {
	case errors.Is(fault, gorm.ErrRecordNotFound): // it has ended
		return job, false, nil
	case errors.Is(fault, problem.Unavailable):
		return job, false, fault
	case fault != nil:
		return job, false, w.setAside(db, id, kind, fault)
	case job.Error == "" && job.Attempts-job.Ended >= maxLost:
		return job, false, w.end(ctx, job, errDied, nil)
	case job.Error != "":
		job.Ended = job.Attempts
	}
	due := w.attempt(db, job).Where("(run_at <= ? OR run_at > ?)", fromNow(db, 0), fromNow(db, w.handlers[kind].longest(db.NowFunc())))
	job.Attempts++
	result := due.Updates(map[string]any{"run_at": fromNow(db, lease), "attempts": job.Attempts, "ended": job.Ended, "error": "", "unique_key": givenUp})
	return job, result.RowsAffected == 1, result.Error
}

// setAside makes a failed job of a row that cannot be read. A periodic one runs again on
// its schedule.
func (w *Worker) setAside(db *gorm.DB, id any, kind string, fault error) error {
	w.log.Error("a job cannot be read", "id", id, "kind", kind, "error", fault)
	result := db.Model(&Row{}).Where("id = ?", id).Updates(map[string]any{
		"created_at": db.NowFunc(), "run_at": w.handlers[kind].nextRun(db), "attempts": 0, "ended": 0, "error": stored(fault), "unique_key": givenUp,
	})
	if result.Error == nil && result.RowsAffected == 0 {
		return fault // and not again at once
	}
	return result.Error
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

// nextRun returns run_at of the next run of a periodic job, and NULL for another one.
func (h Handler) nextRun(db *gorm.DB) any {
	if h.next == nil {
		return nil
	}
	return fromNow(db, h.wait(db))
}

// longest returns how far ahead run_at can be, by any clock that is about right.
func (h Handler) longest(now time.Time) time.Duration {
	if h.next == nil {
		return longestPause
	}
	next := h.next(now)
	return max(lease, next.Sub(now), h.next(next).Sub(next))
}
