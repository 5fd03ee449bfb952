package database

import (
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
// times, so it must do nothing that a rollback leaves done.
func Transaction(db *gorm.DB, change func(tx *gorm.DB) error) error {
	err := db.Transaction(change)
	// Run at once, it can take the row before the other that waits for it wakes.
	for pause := 10 * time.Millisecond; wasUndone(err) && pause < 500*time.Millisecond; pause *= 4 {
		time.Sleep(pause)
		err = db.Transaction(change)
	}
	return err
}

func wasUndone(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == serializationFailure || refused.Code == deadlockDetected)
}
