package commands

import (
	"log/slog"

	"example.com/latchkey/config"
	"example.com/latchkey/routes"
)

// noMail warns that no mail is sent.
func noMail(app routes.App) warning {
	return warning{app.SendMail == nil, "no mail is sent, because mail.url is empty: /password/forgot and other routes that need mail answer 503"}
}

// mailsShown warns that others than the developer may read mails.
func mailsShown(app routes.App) warning {
	address := app.Settings.Server.Address
	return warning{app.Settings.KeepsMails() && !config.IsLoopback(address), "/dev/mail shows mails, and links in them that sign in, to whoever reaches " + address + ": listen on 127.0.0.1, or set mail.url"}
}

// mailOn is for the summary of the start.
func mailOn(app routes.App) slog.Attr {
	switch {
	case app.Settings.KeepsMails():
		return slog.String("mail", "kept")
	case app.SendMail == nil:
		return slog.String("mail", "off")
	}
	return slog.String("mail", "sent")
}
