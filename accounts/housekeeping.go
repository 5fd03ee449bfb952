package accounts

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/models"
)

// Purge deletes the expired sessions, and returns how many it deleted.
func (s *Sessions) Purge(ctx context.Context) (deleted int64, err error) {
	return s.purge(ctx, database.BatchPause, "expires_at <= ?", s.db.NowFunc())
}

// PurgeUser deletes the sessions of a user that have ended or exceed
// jwt.max_sessions, except keep. Then few are left to be deleted together with the
// user, in one transaction.
func (s *Sessions) PurgeUser(ctx context.Context, userID, keep uuid.UUID) error {
	live := s.db.Model(&models.Session{}).Select("id").Where("user_id = ? AND "+models.LiveSession, userID, s.db.NowFunc()).
		Order("id DESC").Limit(s.max)
	_, err := s.purge(ctx, 0, "user_id = ? AND id <> ? AND id NOT IN (?)", userID, keep, live)
	return err
}

func (s *Sessions) purge(ctx context.Context, pause time.Duration, conditions ...any) (deleted int64, err error) {
	return database.InBatches(ctx, pause, func() *gorm.DB {
		ids := s.db.Model(&models.Session{}).Select("id").Where(conditions[0], conditions[1:]...).Limit(database.BatchSize)
		return s.db.WithContext(ctx).Where("id IN (?)", ids).Delete(&models.Session{})
	})
}

// Housekeep deletes the expired sessions and the failures that count no more, and
// empties SQLite's write-ahead log.
func (s Services) Housekeep(ctx context.Context, log *slog.Logger) error {
	deleted, err := s.Sessions.Purge(ctx)
	if deleted > 0 {
		log.Info("expired sessions deleted", "count", deleted)
	}
	return errors.Join(err, s.Throttle.Purge(ctx), database.Checkpoint(ctx, s.Sessions.db))
}

// CachedCount returns how many sessions and other credentials are cached.
func (s *Sessions) CachedCount() int { return s.cache.Len() }
