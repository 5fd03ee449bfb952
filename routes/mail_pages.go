package routes

import (
	"example.com/latchkey/handlers"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/mail"
)

// mailPages returns the routes of the pages that links in mails lead to, unless those
// are a frontend's, and in development of the mails themselves.
func mailPages(a App) (table []endpoint.Route) {
	pages := handlers.NewMailPages(publicURL(a), mail.Kept)
	if a.Settings.Mail.ResetURL == "" {
		table = append(table, endpoint.Gin("GET", "/password/reset", "The form to choose a new password", pages.Reset))
	}
	if a.Settings.Mail.VerifyURL == "" {
		table = append(table, endpoint.Gin("GET", "/email/verify", "The form to verify an email", pages.Verify))
	}
	if a.Settings.KeepsMails() {
		table = append(table,
			endpoint.Gin("GET", "/dev/mail", "The mails that are kept, newest first", pages.Index).With(handlers.LoopbackOnly),
			endpoint.Gin("GET", "/dev/mail/:id", "A mail, as HTML", pages.Show).With(handlers.LoopbackOnly))
	}
	return table
}
