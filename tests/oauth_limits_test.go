package tests

import (
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
)

func TestNoTokenOutlivesARevokedSession(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	bearer, token := app.Session("ada@example.com")
	restore := app.Snapshot()
	for range raceRounds {
		restore()
		var refreshed kit.Answer
		use := func() { app.Get("/protected", bearer...) }
		kit.Together(use, use,
			func() { app.Post("/revoke", "token="+bearer[1][len("Bearer "):], "Content-Type", form) }, use, use,
			func() { refreshed = app.Refresh(token) }, use, use)
		app.Get("/protected", bearer...).Want(t, 401, "token_revoked")
		app.Refresh(token).Want(t, 401, "token_revoked")
		if refreshed.Status == 200 {
			app.Get("/protected", kit.Bearer(refreshed.Field("access_token"))...).Want(t, 401, "token_revoked")
		}
	}
}

func TestTooManyWrongPasswordsAreAProblemAtTheTokenRouteToo(t *testing.T) {
	app, _ := throttled(t, 1)
	const grant = "grant_type=password&username=ada@example.com&password="
	header := []string{"Content-Type", form, "X-Forwarded-For", "203.0.113.1"}
	app.Serve("POST", "/token", grant+"wrong", header...).Want(t, 400, "")
	if answer := app.Serve("POST", "/token", grant+"correct+horse", header...).Want(t, 429, "too_many_attempts"); answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestARefusalOfTheQueueIsAProblemForAnOAuth2ClientToo(t *testing.T) {
	app, occupy, release := hashing(t, func(string) { time.Sleep(5 * time.Millisecond) }, func(s *config.Settings) { s.Password.MaxWait = time.Millisecond })
	login(app, "ada@example.com", apptest.Password, "203.0.113.1").Want(t, 200, "")
	occupy()
	app.Serve("POST", "/token", "grant_type=password&username=ada@example.com&password=wrong", "Content-Type", form).Want(t, 503, "overloaded")
	release()
}
