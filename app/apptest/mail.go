package apptest

import (
	"context"
	"net/url"
	"strings"

	"example.com/latchkey/accounts"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/models"
)

// maxSent is how many mails wait for the test.
const maxSent = 1000

// SentMail is a mail that the API has sent.
type SentMail struct {
	To       models.Email
	Template string
	accounts.MailContent
}

// Token returns the token of the mail's link.
func (m SentMail) Token() string {
	_, query, _ := strings.Cut(m.Link, "?")
	values, _ := url.ParseQuery(query)
	return values.Get("token")
}

// mailbox keeps what the API sends for NextMail. In production, it sends nothing.
func mailbox(a *App) accounts.SendMail {
	if a.Settings.InProduction() {
		return nil
	}
	a.mails = make(chan SentMail, maxSent)
	return func(_ context.Context, to models.Email, template string, content accounts.MailContent) error {
		a.mails <- SentMail{to, template, content}
		return nil
	}
}

// NextMail waits for the next mail. RunJobs sends mails.
func (a *App) NextMail() SentMail {
	a.t.Helper()
	return kit.Receive(a.t, "a mail is sent", a.mails)
}

// NoMail runs the jobs that wait, and fails the test if one sends a mail.
func (a *App) NoMail() {
	a.t.Helper()
	kit.Await(a.t, "no mail waits", func() bool {
		var waiting int64
		a.DB.Model(&jobs.Row{}).Where("kind IN ?", []string{accounts.Mail{}.Kind(), accounts.ForgottenMail{}.Kind(), accounts.Notice{}.Kind()}).Count(&waiting)
		return waiting == 0
	})
	if len(a.mails) > 0 {
		mail := <-a.mails
		a.t.Errorf("%s is sent to %s", mail.Template, mail.To)
	}
}
