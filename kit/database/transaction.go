package database

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// PostgreSQL's codes for a transaction that conflicts with another one, and that may
// succeed when it runs again (its manual, section 13.5), and for a duplicate.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
)

// Transaction runs change in a transaction. If PostgreSQL rolls it back because of
// another transaction, change runs again, at most three times, so it must have no
// effect outside the database. After a timeout, the transaction is rolled back and
// the error is problem.Unavailable.
//
//nolint:contextcheck // the context is that of db
func Transaction(db *gorm.DB, change func(tx *gorm.DB) error) error {
	timeouts := accessOf(db)
	ctx, cancel := withTimeout(db.Statement.Context, timeouts.transactionTimeout)
	defer cancel()
	err := begin(ctx, db, timeouts.beginTimeout, change)
	// There is a pause, because without it change could lock the same row again before
	// the other transaction gets it.
	for pause := 10 * time.Millisecond; mayRetry(err) && pause < 500*time.Millisecond; pause *= 4 {
		select {
		case <-ctx.Done():
			return timeoutError(ctx, err)
		case <-time.After(pause):
			err = begin(ctx, db, timeouts.beginTimeout, change)
		}
	}
	return timeoutError(ctx, err)
}

// begin runs change in a transaction, and fails if that has not begun within timeout.
func begin(ctx context.Context, db *gorm.DB, timeout time.Duration, change func(tx *gorm.DB) error) error {
	var afterCommit []func()
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, afterCommitKey{}, &afterCommit))
	defer cancel(nil)
	waiting := time.AfterFunc(cmp.Or(timeout, forever), func() { cancel(errTimeout) })
	defer waiting.Stop()
	err := db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		waiting.Stop()
		if limit := accessOf(db).pooledLockTimeout; limit > 0 {
			if err := tx.Exec(setLockTimeout(limit)).Error; err != nil {
				return err
			}
		}
		return change(tx)
	})
	if err != nil {
		return timeoutError(ctx, err)
	}
	for _, call := range afterCommit {
		call()
	}
	return nil
}

type afterCommitKey struct{}

// AfterCommit calls a function once the transaction of tx is committed. If Transaction
// did not begin it, the call is at once.
func AfterCommit(tx *gorm.DB, call func()) {
	if calls, ok := tx.Statement.Context.Value(afterCommitKey{}).(*[]func()); ok {
		*calls = append(*calls, call)
		return
	}
	call()
}

func setLockTimeout(limit time.Duration) string {
	return fmt.Sprintf("SET LOCAL lock_timeout = %d", limit.Milliseconds())
}

func mayRetry(err error) bool {
	var failed *pgconn.PgError
	return errors.As(err, &failed) && (failed.Code == serializationFailure || failed.Code == deadlockDetected)
}
