package database

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// checkpointTimeout limits how long a checkpoint delays writers.
const checkpointTimeout = 100 * time.Millisecond

// Checkpoint copies SQLite's write-ahead log into the file and empties the log. What
// readers or writers prevent is left for the next call.
func Checkpoint(ctx context.Context, db *gorm.DB) error {
	readers := poolOf(db).readers
	if readers == nil {
		return nil // PostgreSQL does this by itself
	}
	// This one copies while others read and write. The next one delays them, but has
	// little left to copy.
	_, err := readers.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
	short, cancel := context.WithTimeout(ctx, checkpointTimeout)
	defer cancel()
	if err == nil {
		_, err = readers.ExecContext(short, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if err != nil && short.Err() == nil {
		return sqliteDialector{}.Translate(err)
	}
	return ctx.Err()
}
