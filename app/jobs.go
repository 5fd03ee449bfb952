package app

import (
	"context"
	"time"

	"example.com/latchkey/kit/jobs"
)

// coreJobs are what runs in the background without any part, one line each.
func coreJobs(a App) []jobs.Handler {
	return []jobs.Handler{
		jobs.Periodic("housekeeping", jobs.Every(time.Hour), func(ctx context.Context) error { return a.Auth.Housekeep(ctx, a.Log) }),
		jobs.Periodic("purge failed jobs", jobs.Every(24*time.Hour), func(ctx context.Context) error { return jobs.Purge(a.DB.WithContext(ctx)) }),
	}
}
