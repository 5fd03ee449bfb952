package mail_test

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/jobs"
	kitmail "example.com/latchkey/kit/mail"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/mail"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

// work sends the mails of an app with send, or as its settings say. It runs the jobs of this
// part until stop is called or the test ends.
func work(t *testing.T, app *apptest.App, send func(context.Context, models.Email, string, any) error) (stop func()) {
	t.Helper()
	with := app.Program.App
	with.Send = send
	return kit.StartWorker(t, app.DB, slog.New(slog.DiscardHandler), time.Hour, mail.Part().New(with).Jobs...)
}

// keep sends a mail into the folder of development.
func keep(t *testing.T, app *apptest.App, to, text string, content mail.Content) {
	t.Helper()
	sender := kitmail.New(kitmail.Options{Settings: config.Of[mail.Settings](app.Settings).Settings, Texts: mail.Part().Texts, Keep: true})
	if err := sender.Send(t.Context(), kitmail.Message{To: to, Template: text, Data: content}); err != nil {
		t.Fatal(err)
	}
}

// contentOf is what the text of a mail shows.
func contentOf(sent apptest.Message) mail.Content { return sent.Data.(mail.Content) }

// tokenOf is the token of a mail's link.
func tokenOf(sent apptest.Message) string {
	_, query, _ := strings.Cut(contentOf(sent).Link, "?")
	values, _ := url.ParseQuery(query)
	return values.Get("token")
}

// wantMail fails the test unless the next mail is this one. It returns the mail's
// token.
func wantMail(t *testing.T, app *apptest.App, text, to string) (token string) {
	t.Helper()
	sent := app.NextMessage()
	if sent.Text != text || string(sent.To) != to {
		t.Fatalf("%s is sent to %s, want %s to %s", sent.Text, sent.To, text, to)
	}
	return tokenOf(sent)
}

// noMail runs the jobs that wait, and fails the test if one sends a mail.
func noMail(t *testing.T, app *apptest.App) {
	t.Helper()
	kit.Await(t, "no mail waits", func() bool {
		waiting := kindsOfJobs(app)
		return waiting["mail"]+waiting["forgotten mail"]+waiting["notice"] == 0
	})
	if app.Sent() > 0 {
		sent := app.NextMessage()
		t.Errorf("%s is sent to %s", sent.Text, sent.To)
	}
}

// kindsOfJobs counts the jobs of each kind.
func kindsOfJobs(app *apptest.App) map[string]int {
	var kinds []string
	app.DB.Model(&jobs.Row{}).Pluck("kind", &kinds)
	counts := map[string]int{}
	for _, kind := range kinds {
		counts[kind]++
	}
	return counts
}

// withMail is an app that sends mails, with a user and the token to verify the email.
func withMail(t *testing.T, change ...func(*config.Settings)) (app *apptest.App, verify string) {
	t.Helper()
	app = apptest.New(t, change...)
	app.RunJobs()
	app.Register("ada@example.com")
	return app, wantMail(t, app, "verify", "ada@example.com")
}

func forgot(t *testing.T, app *apptest.App, email string) kit.Answer {
	t.Helper()
	return app.Post("/password/forgot", `{"email":"`+email+`"}`).Want(t, 202, "")
}

// resetToken asks for a link and returns its token.
func resetToken(t *testing.T, app *apptest.App) string {
	t.Helper()
	forgot(t, app, "ada@example.com")
	return wantMail(t, app, "reset", "ada@example.com")
}

func reset(app *apptest.App, token string) kit.Answer {
	return app.Post("/password/reset", `{"token":"`+token+`","password":"battery staple"}`)
}

func verify(app *apptest.App, token string) kit.Answer {
	return app.Post("/email/verify", `{"token":"`+token+`"}`)
}
