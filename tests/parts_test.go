package tests

import (
	"net/url"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/parts/apikeys"
	"example.com/latchkey/parts/events"
	"example.com/latchkey/parts/mail"
)

// withMail is an app that sends mails, with a user and the token to verify the email.
func withMail(t *testing.T) (app *apptest.App, token string) {
	t.Helper()
	app = apptest.New(t)
	app.RunJobs()
	app.Register("ada@example.com")
	return app, wantMail(t, app, "verify")
}

// wantMail fails the test unless the next mail is this one to the user. It returns the token
// of the mail's link, or "".
func wantMail(t *testing.T, app *apptest.App, text string) (token string) {
	t.Helper()
	sent := app.NextMessage()
	if sent.Text != text || sent.To != "ada@example.com" {
		t.Fatalf("%s is sent to %s, want %s to ada@example.com", sent.Text, sent.To, text)
	}
	link, err := url.Parse(sent.Data.(mail.Content).Link)
	if err != nil {
		t.Fatal(err)
	}
	return link.Query().Get("token")
}

// wantNoMail runs the jobs that wait, and fails the test if one sends a mail.
func wantNoMail(t *testing.T, app *apptest.App) {
	t.Helper()
	kit.Await(t, "no mail waits", func() bool {
		var waiting int64
		app.DB.Model(&jobs.Row{}).Where("kind IN ?", []string{"mail", "forgotten mail", "notice"}).Count(&waiting)
		return waiting == 0
	})
	if app.Sent() > 0 {
		sent := app.NextMessage()
		t.Errorf("%s is sent to %s", sent.Text, sent.To)
	}
}

func verify(app *apptest.App, token string) kit.Answer {
	return app.Post("/email/verify", `{"token":"`+token+`"}`)
}

// resetToken asks for a link to choose a password, and returns its token.
func resetToken(t *testing.T, app *apptest.App) string {
	t.Helper()
	app.Post("/password/forgot", `{"email":"ada@example.com"}`).Want(t, 202, "")
	return wantMail(t, app, "reset")
}

func reset(app *apptest.App, token string) kit.Answer {
	return app.Post("/password/reset", `{"token":"`+token+`","password":"battery staple"}`)
}

// newKey makes an API key of the user of a login. It returns its id and its text.
func newKey(t *testing.T, app *apptest.App, bearer []string, scope apikeys.Scope) (id, key string) {
	t.Helper()
	answer := app.Post("/keys", `{"current_password":"correct horse","name":"Nightly","scope":"`+string(scope)+`"}`, bearer...).Want(t, 201, "")
	return answer.Field("id"), answer.Field("key")
}

// allEvents returns all events, the oldest first.
func allEvents(t *testing.T, app *apptest.App) (all []events.Event) {
	t.Helper()
	if err := app.DB.Order("id").Find(&all).Error; err != nil {
		t.Fatal(err)
	}
	return all
}

// lastEvent returns the newest event of a kind.
func lastEvent(t *testing.T, app *apptest.App, kind string) (last events.Event) {
	t.Helper()
	if err := app.DB.Order("id DESC").Take(&last, "kind = ?", kind).Error; err != nil {
		t.Fatal(err)
	}
	return last
}

// sid is the session of an access token.
func sid(t *testing.T, bearer []string) string {
	t.Helper()
	_, claims := kit.DecodeToken(t, strings.TrimPrefix(bearer[1], "Bearer "))
	return claims["sid"].(string)
}
