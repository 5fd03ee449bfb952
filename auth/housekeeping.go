package auth

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"example.com/latchkey/models"
)

// Expired sessions are deleted a few at a time, with pauses in between, so that
// no request waits long behind it.
const (
	purgeBatch = 50
	purgePause = 10 * time.Millisecond
)

// Purge deletes the expired sessions and says how many there were.
func (s *Sessions) Purge(ctx context.Context) (deleted int64, err error) {
	for {
		expired := s.db.Model(&models.Session{}).Select("id").Where("expires_at <= ?", s.db.NowFunc()).Limit(purgeBatch)
		batch := s.db.WithContext(ctx).Where("id IN (?)", expired).Delete(&models.Session{})
		deleted += batch.RowsAffected
		if batch.Error != nil || batch.RowsAffected == 0 {
			return deleted, batch.Error
		}
		if err := sleep(ctx, purgePause); err != nil {
			return deleted, err
		}
	}
}

// Housekeep purges about so often, until ctx ends. Replicas that start
// together drift apart.
func (s *Sessions) Housekeep(ctx context.Context, every time.Duration, log *slog.Logger) {
	for sleep(ctx, every/2+rand.N(every)) == nil { //nolint:gosec // no secret
		deleted, err := s.Purge(ctx)
		if err != nil && ctx.Err() == nil {
			log.Error("expired sessions stay", "error", err)
		} else if deleted > 0 {
			log.Info("expired sessions deleted", "count", deleted)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
