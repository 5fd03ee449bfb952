package routes

import (
	"context"
	"time"

	"example.com/latchkey/kit/jobs"
)

// Jobs returns what runs in the background, one line each.
func (a App) Jobs() []jobs.Handler {
	table := []jobs.Handler{
		jobs.Handle(mails(a).DeliverNotice).When(a.SendMail != nil),
		jobs.Handle(mails(a).Deliver).When(a.SendMail != nil),
		jobs.Handle(mails(a).DeliverForgotten).When(a.SendMail != nil),
		jobs.Periodic("housekeeping", jobs.Every(time.Hour), func(ctx context.Context) error { return a.Auth.Housekeep(ctx, a.Log) }),
		purgeEvents(a),
		renewTOTP(a),
		jobs.Periodic("purge failed jobs", jobs.Every(24*time.Hour), func(ctx context.Context) error { return jobs.Purge(a.DB.WithContext(ctx)) }),
	}
	return append(table, a.ownJobs()...)
}
