package auth

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/database"
	"example.com/latchkey/models"
)

// Sessions are deleted a few at a time, with pauses in between where nobody
// waits for it, so that no request waits long behind it.
const (
	purgeBatch = 50
	purgePause = 10 * time.Millisecond
)

// Purge deletes the expired sessions and says how many there were.
func (s *Sessions) Purge(ctx context.Context) (deleted int64, err error) {
	return s.purge(ctx, purgePause, "expires_at <= ?", s.db.NowFunc())
}

// PurgeUser deletes the sessions of a user that have ended or are past
// jwt.max_sessions, but for the one kept, so that few are left to be deleted
// with the user in one transaction.
func (s *Sessions) PurgeUser(ctx context.Context, userID, kept uuid.UUID) error {
	live := s.db.Model(&models.Session{}).Select("id").Where("user_id = ? AND "+models.LiveSession, userID, s.db.NowFunc()).
		Order("id DESC").Limit(s.max)
	_, err := s.purge(ctx, 0, "user_id = ? AND id <> ? AND id NOT IN (?)", userID, kept, live)
	return err
}

func (s *Sessions) purge(ctx context.Context, pause time.Duration, conditions ...any) (deleted int64, err error) {
	for {
		some := s.db.Model(&models.Session{}).Select("id").Where(conditions[0], conditions[1:]...).Limit(purgeBatch)
		batch := s.db.WithContext(ctx).Where("id IN (?)", some).Delete(&models.Session{})
		deleted += batch.RowsAffected
		if batch.Error != nil || batch.RowsAffected == 0 {
			return deleted, batch.Error
		}
		if err := sleep(ctx, pause); err != nil {
			return deleted, err
		}
	}
}

// Housekeep purges, and empties SQLite's log, about so often, until ctx ends.
// Replicas that start together drift apart.
func (s *Sessions) Housekeep(ctx context.Context, every time.Duration, log *slog.Logger) {
	for sleep(ctx, every/2+rand.N(every)) == nil { //nolint:gosec // no secret
		deleted, err := s.Purge(ctx)
		if err != nil && ctx.Err() == nil {
			log.Error("expired sessions stay", "error", err)
		} else if deleted > 0 {
			log.Info("expired sessions deleted", "count", deleted)
		}
		if err := database.Checkpoint(ctx, s.db); err != nil && ctx.Err() == nil {
			log.Error("the database's log is not emptied", "error", err)
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
