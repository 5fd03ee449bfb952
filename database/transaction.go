package database

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// PostgreSQL's words for two transactions that cannot both be, although either
// could alone (its manual, section 13.5).
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// Transaction runs change in a transaction: all of it or nothing. Where
// PostgreSQL has undone it for another's sake it is run again, at most three
// times, so it must do nothing that a rollback leaves done. It has a limit of
// time, after which it is undone and the error is problem.Unavailable.
//
//nolint:contextcheck // the context is the handle's
func Transaction(db *gorm.DB, change func(tx *gorm.DB) error) error {
	limits := accessOf(db)
	ctx, cancel := within(db.Statement.Context, limits.transaction)
	defer cancel()
	err := begin(ctx, db, limits.turn, change)
	// Run at once, it can take the row before the other that waits for it wakes.
	for pause := 10 * time.Millisecond; wasUndone(err) && pause < 500*time.Millisecond; pause *= 4 {
		select {
		case <-ctx.Done():
			return late(ctx, err)
		case <-time.After(pause):
			err = begin(ctx, db, limits.turn, change)
		}
	}
	return late(ctx, err)
}

// begin runs change in a transaction that begins within the turn, or fails.
func begin(ctx context.Context, db *gorm.DB, turn time.Duration, change func(tx *gorm.DB) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	waiting := time.AfterFunc(cmp.Or(turn, forever), func() { cancel(errLate) })
	defer waiting.Stop()
	return late(ctx, db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		waiting.Stop()
		return change(tx)
	}))
}

func wasUndone(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == serializationFailure || refused.Code == deadlockDetected)
}
