package oidc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	client "example.com/latchkey/kit/oidc"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/oidc"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

const (
	ada       = "ada@example.com" // whom every provider logs in
	appURL    = "https://app.example.com/in?a=b"
	schemeURL = "com.example.app:/in?a=b"
	verifier  = "a-verifier-of-43-to-128-characters-as-RFC-7636-asks"
)

// at are the settings with providers by their names, whose emails are trusted.
func at(providers map[string]*fakeProvider) func(*config.Settings) {
	return func(s *config.Settings) {
		own := config.Of[oidc.Settings](*s)
		own.Providers, own.ReturnTo = map[string]client.Settings{}, []string{appURL, schemeURL}
		for name, p := range providers {
			own.Providers[name] = client.Settings{Issuer: p.URL, ClientID: ClientID, ClientSecret: ClientSecret, TrustEmail: true}
		}
	}
}

// distrusting are the settings of a provider whose emails are not trusted.
func distrusting(p *fakeProvider) func(*config.Settings) {
	return func(s *config.Settings) {
		at(map[string]*fakeProvider{"p": p})(s)
		of := config.Of[oidc.Settings](*s).Providers["p"]
		of.TrustEmail = false
		config.Of[oidc.Settings](*s).Providers["p"] = of
	}
}

// start runs the API with a provider p.
func start(t *testing.T, change ...func(*config.Settings)) (*apptest.App, *fakeProvider) {
	t.Helper()
	p := newFake(t)
	return apptest.New(t, append([]func(*config.Settings){at(map[string]*fakeProvider{"p": p})}, change...)...), p
}

// browser keeps cookies by their names, and follows nothing by itself.
type browser struct {
	t       *testing.T
	app     *apptest.App
	cookies map[string]string
}

func newBrowser(t *testing.T, app *apptest.App) *browser {
	t.Helper()
	return &browser{t, app, map[string]string{}}
}

// send sends a request to the API as a page of it does, and keeps the cookies of the answer.
func (b *browser) send(method, address, body string, headers ...string) kit.Answer {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	headers = append([]string{"Accept", "application/json", "Content-Type", "application/json", "Sec-Fetch-Site", "same-origin"}, headers...)
	if len(pairs) > 0 {
		headers = append(headers, "Cookie", strings.Join(pairs, "; "))
	}
	answer := b.app.Serve(method, u.RequestURI(), body, headers...)
	for _, set := range (&http.Response{Header: answer.Header}).Cookies() {
		if b.cookies[set.Name] = set.Value; set.MaxAge < 0 {
			delete(b.cookies, set.Name)
		}
	}
	return answer
}

func (b *browser) get(address string, headers ...string) kit.Answer {
	b.t.Helper()
	return b.send(http.MethodGet, address, "", headers...)
}

// approved begins a login at a provider, and returns the address at which the browser comes
// back.
func (b *browser) approved(address string) (callback string) {
	b.t.Helper()
	return approve(b.t, b.get(address).Want(b.t, 303, "").Header.Get("Location"))
}

// logIn goes the whole way at a provider.
func (b *browser) logIn(address string) kit.Answer {
	b.t.Helper()
	return b.get(b.approved(address))
}

// user is whom the browser is logged in as, or "".
func (b *browser) user() string {
	b.t.Helper()
	return b.get("/me").Field("email")
}

// asApp is the query of an app that begins a login.
func asApp() url.Values {
	hash := sha256.Sum256([]byte(verifier))
	return url.Values{
		"return_to": {appURL}, "state": {"the app's state"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(hash[:])},
	}
}

// appLogin begins a login at a provider that needs no cookie session.
func appLogin(provider string) string { return "/login/" + provider + "?" + asApp().Encode() }

// needCookies skips a test in a program without the cookie sessions of browsers.
func needCookies(t *testing.T, app *apptest.App) {
	t.Helper()
	if len(app.Accounts.Carriers) == 0 {
		t.Skip("the program has no cookie sessions")
	}
}

// needTokens skips a test in a program without POST /token.
func needTokens(t *testing.T, app *apptest.App) {
	t.Helper()
	if app.Post("/token", "").Status == 404 {
		t.Skip("the program has no POST /token")
	}
}

// codeFor logs in as an app does, and returns its code.
func codeFor(t *testing.T, app *apptest.App) string {
	t.Helper()
	to := newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "").Header.Get("Location")
	u, err := url.Parse(to)
	if err != nil || !strings.HasPrefix(to, appURL+"&") || u.Query().Get("state") != "the app's state" {
		t.Fatalf("the app is at %s", to)
	}
	return u.Query().Get("code")
}

// redeem sends the code of an app, with changes of the parameters.
func redeem(app *apptest.App, code string, changes url.Values) kit.Answer {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {appURL}}
	maps.Copy(form, changes)
	return app.Post("/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// counts are how many users, sessions and identities there are.
func counts(app *apptest.App) (all [3]int64) {
	for i, table := range []string{"users", "sessions", "identities"} {
		app.DB.Table(table).Count(&all[i])
	}
	return all
}

// verified marks the email of a user as verified.
func verified(app *apptest.App, email string) {
	app.DB.Model(&models.User{}).Where("email = ?", email).Update("email_verified", true)
}

// withProviders runs the API with providers.
func withProviders(t *testing.T, providers map[string]*fakeProvider) *apptest.App {
	t.Helper()
	return apptest.New(t, at(providers))
}

// login is the Authorization header of a user with a password and a verified email.
func login(app *apptest.App) (bearer []string) {
	app.Register("bob@example.com")
	verified(app, "bob@example.com")
	return app.Login("bob@example.com")
}
