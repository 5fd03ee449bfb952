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

// Transaction runs change in a transaction. If PostgreSQL rolls it back because of
// another transaction, change runs again, at most three times, so it must have no
// effect outside the database. After a timeout, the transaction is rolled back and
// the error is problem.Unavailable.
func Transaction(db *gorm.DB, change func(tx *gorm.DB) error) error {
	err := attempt(db, change)
	// There is a pause, because without it change could lock the same row again before
	// the other transaction gets it.
	for pause := 10 * time.Millisecond; mayRetry(err) && pause < 500*time.Millisecond; pause *= 4 {
		time.Sleep(pause)
		err = attempt(db, change)
	}
	return err
}

// attempt runs change in a transaction. The transaction must begin within the timeout of
// a statement, and may then take twice that time. So one that waits for itself ends
// first.
func attempt(db *gorm.DB, change func(tx *gorm.DB) error) error {
	var afterCommit []func()
	ctx, cancel := context.WithCancelCause(context.WithValue(db.Statement.Context, afterCommitKey{}, &afterCommit))
	defer cancel(nil)
	p := poolOf(db)
	limit := cmp.Or(p.timeout, forever/2)
	timer := time.AfterFunc(limit, func() { cancel(errTimeout) })
	defer timer.Stop()
	err := db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		timer.Reset(2 * limit)
		if p.pooled {
			if err := tx.Exec(setLockTimeout(p.lockTimeout)).Error; err != nil {
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

// mayRetry reports whether PostgreSQL rolled a transaction back because of another one, so
// that it may succeed when it runs again (its manual, section 13.5).
func mayRetry(err error) bool {
	var failed *pgconn.PgError
	return errors.As(err, &failed) && (failed.Code == "40001" || failed.Code == "40P01") // serialization, deadlock
}
