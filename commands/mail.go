package commands

import "example.com/latchkey/routes"

// warnWithoutMail logs once that no mail is sent.
func warnWithoutMail(app routes.App) {
	if app.SendMail == nil {
		app.Log.Warn("no mail is sent, because mail.url is empty: /password/forgot and other routes that need mail answer 503")
	}
}
