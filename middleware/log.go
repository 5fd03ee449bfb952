package middleware

import (
	"context"
	"errors"
	"log/slog"

	"example.com/latchkey/accounts"
)

// LogMore returns the fields that are added to the line of a request, and the lowest
// level of that line. own are the fields of parts.
func LogMore(own []func(context.Context) []slog.Attr) func(ctx context.Context, err error) (slog.Level, []slog.Attr) {
	return func(ctx context.Context, err error) (level slog.Level, fields []slog.Attr) {
		if errors.Is(err, accounts.ErrTheft) {
			level = slog.LevelWarn
		}
		if user, ok := accounts.UserFrom(ctx); ok {
			fields = append(fields, slog.Any("user_id", user.ID))
		}
		for _, more := range own {
			fields = append(fields, more(ctx)...)
		}
		return level, fields
	}
}
