package database

import (
	"errors"

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
// PostgreSQL has undone it for another's sake it is run once more, so it must
// do nothing that a rollback leaves done.
func Transaction(db *gorm.DB, change func(tx *gorm.DB) error) error {
	err := db.Transaction(change)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == serializationFailure || refused.Code == deadlockDetected) {
		return db.Transaction(change)
	}
	return err
}
