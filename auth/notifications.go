package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/database"
)

// reconnectPause is how long ReceiveRevocations waits before it connects again.
const reconnectPause = time.Second

// ReceiveRevocations receives notifications from PostgreSQL when another process
// revokes sessions, until ctx ends. With another database, or while there is no
// connection, revocations take effect after up to jwt.revocation_lag.
func (s *Sessions) ReceiveRevocations(ctx context.Context, log *slog.Logger) {
	if s.cache.users == nil {
		return
	}
	for warned := false; ; {
		err := database.Listen(ctx, s.db, database.RevokedChannel, func() {
			s.cache.invalidateAll() // earlier notifications were lost
			log.Info("receiving notifications of revocations")
			warned = false
		}, func(userID string) { s.cache.invalidate(uuid.FromStringOrNil(userID)) })
		if ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported) {
			return
		}
		if !warned {
			log.Warn("notifications of revocations are lost: until they return, revocations by other processes take up to jwt.revocation_lag", "error", err)
			warned = true
		}
		if sleep(ctx, reconnectPause) != nil {
			return
		}
	}
}
