package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/database"
)

// followPause is how long Follow waits before it tries to hear again.
const followPause = time.Second

// Follow hears from PostgreSQL what other processes revoke, until ctx ends.
// Without it, or while it cannot hear, that takes up to jwt.revocation_lag.
func (s *Sessions) Follow(ctx context.Context, log *slog.Logger) {
	if s.live.users == nil {
		return
	}
	for told := false; ; {
		err := database.Listen(ctx, s.db, database.Revoked, func() {
			s.live.invalidateAll() // what was said until now was not heard
			log.Info("receiving notifications of revocations")
			told = false
		}, func(userID string) { s.live.invalidate(uuid.FromStringOrNil(userID)) })
		if ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported) {
			return
		}
		if !told {
			log.Warn("revocations by other processes take up to jwt.revocation_lag, until they can be heard of again", "error", err)
			told = true
		}
		if sleep(ctx, followPause) != nil {
			return
		}
	}
}
