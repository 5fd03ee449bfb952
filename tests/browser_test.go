package tests

import (
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/parts/apikeys"
	"example.com/latchkey/parts/totp/totptest"
)

var ofThisSite = []string{"Sec-Fetch-Site", "same-origin"}

// cookieLogin logs the user in for a cookie, with more members of the JSON.
func cookieLogin(app *apptest.App, more string) kit.Answer {
	return app.Post("/login", strings.Replace(apptest.Credentials("ada@example.com"), "{", `{"session":"cookie",`+more, 1), ofThisSite...)
}

// withCookie are the headers of a page with the cookie of a login.
func withCookie(login kit.Answer) []string {
	cookie, _, _ := strings.Cut(login.Header.Get("Set-Cookie"), ";")
	return append([]string{"Cookie", cookie}, ofThisSite...)
}

func TestTheEventOfALoginSaysThatItIsForACookie(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	app.Do("POST", "/logout", nil, withCookie(cookieLogin(app, "").Want(t, 204, ""))...).Want(t, 204, "")
	app.Login("ada@example.com")
	all := allEvents(t, app)
	cookie, logout, tokens := all[1], all[2], all[3]
	if cookie.Kind != "login" || cookie.Details["session"] != "cookie" || len(tokens.Details) != 0 {
		t.Errorf("%+v, %+v", cookie, tokens)
	}
	if logout.Kind != "logout" || *logout.SessionID != *cookie.SessionID || logout.ActorID == nil {
		t.Errorf("%+v", logout)
	}
}

func TestALoginForACookieNeedsTheOneTimeCodeToo(t *testing.T) {
	p := totptest.WithCodes(t)
	if answer := cookieLogin(p.App, "").Want(t, 401, "otp_required"); answer.Header.Get("Set-Cookie") != "" {
		t.Error(answer.Header)
	}
	cookieLogin(p.App, `"otp":"`+p.Wrong()+`",`).Want(t, 401, "login_failed")
	cookie := withCookie(cookieLogin(p.App, `"otp":"`+p.Code(0)+`",`).Want(t, 204, ""))
	p.App.Get("/protected", cookie...).Want(t, 200, "")
}

func TestACookieMakesAndConfirmsWhatALoginDoes(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	cookie := withCookie(cookieLogin(app, "").Want(t, 204, ""))
	newKey(t, app, cookie, apikeys.ScopeRead)
	app.Post("/keys", `{"current_password":"wrong","name":"x","scope":"read"}`, cookie...).Want(t, 422, "validation_failed")
}

func TestLoginsForACookieAreThrottled(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.Login.MaxFailures = 2 })
	app.Register("ada@example.com")
	for range 2 {
		app.Post("/login", `{"email":"ada@example.com","password":"wrong","session":"cookie"}`, ofThisSite...).Want(t, 401, "login_failed")
	}
	cookieLogin(app, "").Want(t, 429, "too_many_attempts")
}

func TestEveryReplicaRefusesAnEndedCookieAfterTheLag(t *testing.T) {
	r := startReplicas(t, 2, shortLag)
	credentials := apptest.Credentials("ada@example.com")
	r.proxy.Want(201, "POST", "/register", credentials)
	answer, _, err := r.each[0].Exchange("POST", "/login", strings.Replace(credentials, "{", `{"session":"cookie",`, 1), ofThisSite...) //nolint:bodyclose // Exchange closes it
	if err != nil {
		t.Fatal(err)
	}
	cookie := withCookie(kit.Answer{Header: answer.Header})
	for _, s := range r.each {
		s.Want(200, "GET", "/me", "", cookie...)
	}
	r.each[0].Want(204, "POST", "/logout", "", cookie...)
	for _, s := range r.each {
		kit.Await(t, "it is refused", func() bool {
			status, answer := s.Send("GET", "/me", "", cookie...)
			return status == 401 && strings.Contains(answer, "token_revoked")
		})
	}
}
