package database

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Many rows are deleted in small batches, and with pauses if nobody waits for the
// deletion, so that other writes need not wait long. In SQLite, a write of another
// process tries again only now and then, so a pause is longer than a batch takes.
const (
	BatchSize  = 50
	BatchPause = 30 * time.Millisecond
)

// InBatches runs a statement, with pauses, until it changes no row. It returns how many
// rows it has changed.
func InBatches(ctx context.Context, pause time.Duration, run func() *gorm.DB) (changed int64, err error) {
	for {
		batch := run()
		changed += batch.RowsAffected
		if batch.Error != nil || batch.RowsAffected == 0 {
			return changed, batch.Error
		}
		select {
		case <-ctx.Done():
			return changed, ctx.Err()
		case <-time.After(pause):
		}
	}
}
