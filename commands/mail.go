package commands

import (
	"fmt"
	"log/slog"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/routes"
)

// noMail warns that no mail is sent.
func noMail(app routes.App) []string {
	if app.SendMail != nil {
		return nil
	}
	text := "no mail is sent, because mail.url is empty: /password/forgot and other routes that need mail answer 503"
	var waiting int64
	counted := app.DB.Model(&jobs.Row{}).Where("kind IN ? AND run_at IS NOT NULL", []string{accounts.Mail{}.Kind(), accounts.ForgottenMail{}.Kind(), accounts.Notice{}.Kind()}).Count(&waiting)
	if counted.Error == nil && waiting > 0 {
		text += fmt.Sprintf(". %d mails wait until it is set", waiting)
	}
	return []string{text}
}

// mailsShown warns that others than the developer may read mails.
func mailsShown(app routes.App) []string {
	address := app.Settings.Server.Address
	if !app.Settings.KeepsMails() || settings.IsLoopback(address) {
		return nil
	}
	return []string{"/dev/mail shows mails, and links in them that sign in, to whoever reaches " + address + ": listen on 127.0.0.1, or set mail.url"}
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
