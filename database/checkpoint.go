package database

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// checkpointPause is for how long a checkpoint may hold up a writer.
const checkpointPause = 100 * time.Millisecond

// Checkpoint empties SQLite's log into the file. What readers or writers are in
// the way of is left to the next time.
func Checkpoint(ctx context.Context, db *gorm.DB) error {
	readers := accessOf(db).readers
	if readers == nil {
		return nil // PostgreSQL does so by itself
	}
	// This one copies beside the writers and readers; the next holds them up, but
	// then has little left to copy.
	if _, err := readers.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		return local{}.Translate(err)
	}
	short, cancel := context.WithTimeout(ctx, checkpointPause)
	defer cancel()
	_, err := readers.ExecContext(short, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil && short.Err() == nil {
		return local{}.Translate(err)
	}
	return ctx.Err()
}
