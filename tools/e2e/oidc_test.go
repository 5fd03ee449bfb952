package e2e

import (
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/apptest/postgres"
	"example.com/latchkey/kit/totp"
)

//go:embed oidc_app.html
var oidcApp string

// scene is the API with two providers, and an app on another origin.
type scene struct {
	api, app  string
	providers []*provider
}

// setScene starts everything. The providers know the callbacks of the API, and the API the
// issuers, so the address of the API is chosen before.
func setScene(t *testing.T, node, database string) *scene {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	s := &scene{api: "http://" + address}
	page := strings.ReplaceAll(oidcApp, "API", s.api)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) }))
	t.Cleanup(app.Close)
	s.app, s.providers = app.URL, []*provider{startZitadel(t, s.api), startNode(t, node, s.api)}
	settings := "server:\n  cors_origins: [" + s.app + "]\noidc:\n  return_to: [" + s.app + "/]\n  providers:\n"
	for _, p := range s.providers {
		settings += "    " + p.name + ": {issuer: '" + p.issuer + "', client_id: '" + clientID + "', client_secret: '" + clientSecret + "', trust_email: true}\n"
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "config.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	apptest.Launch(t, folder, "APP_SERVER_ADDRESS="+address, "APP_DATABASE_URL="+database).Await()
	return s
}

// databases are the URLs of an empty database of each kind.
func databases(t *testing.T) map[string]string {
	t.Helper()
	urls := map[string]string{"on SQLite": "sqlite://data/app.db"}
	if _, err := exec.LookPath("initdb"); err != nil && os.Getenv("CI") == "" {
		return urls
	}
	server, err := postgres.Start("-c fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	urls["on PostgreSQL"] = server.URL
	return urls
}

// reads waits until a script returns a text, whichever page is open by then.
func (p *page) reads(script string) (text string) {
	p.t.Helper()
	at := ""
	defer func() {
		if text == "" {
			p.t.Log("the browser is at ", at)
		}
	}()
	kit.Await(p.t, "the page has the text", func() bool {
		got, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`[`+script+`, location.href + " " + document.body.innerText]`))
		if err == nil { // not between two pages
			text, at = got[0], got[1]
		}
		return text != ""
	})
	return text
}

// lands waits until the browser is at an address, and returns the text of the page.
func (p *page) lands(at string) string {
	p.t.Helper()
	return p.reads(`location.href === "` + at + `" && document.readyState === "complete" ? document.body.innerText : ""`)
}

// account is the answer of /me.
type account struct {
	ID, Email     string
	EmailVerified bool `json:"email_verified"`
}

// logIn logs in with a cookie, and returns the user.
func (s *scene) logIn(t *testing.T, p *page, by *provider, user string) (me account) {
	t.Helper()
	p.forget()
	p.do(chromedp.Navigate(s.api + "/login/" + by.name + "?return_to=/me"))
	by.logIn(p, user)
	text := p.lands(s.api + "/me")
	if err := json.Unmarshal([]byte(text), &me); err != nil {
		t.Fatal(err, text)
	}
	return me
}

// forget deletes all cookies, also those of the providers.
func (p *page) forget() {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, network.ClearBrowserCookies, struct{}{}); err != nil {
		p.t.Fatal(err)
	}
}

// TestAUserLogsInThroughAProvider drives Chromium through the forms of two providers that
// others have written.
func TestAUserLogsInThroughAProvider(t *testing.T) {
	for _, part := range []string{"oidc", "browser", "oauth"} { // a fork may have removed one
		if files, _ := filepath.Glob("../../parts/" + part + "/*.go"); len(files) == 0 {
			t.Skip("there is no part " + part)
		}
	}
	node := installNode(t)
	for on, database := range databases(t) {
		t.Run(on, func(t *testing.T) {
			s := setScene(t, node, database)
			for _, provider := range s.providers {
				t.Run(provider.name, func(t *testing.T) {
					p := browse(t, s.api, "/healthz", chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"))
					s.logInAlone(t, p, provider)
					s.refuse(t, p, provider)
					api, bearer := s.link(t, p, provider)
					s.askForCode(t, p, provider, api, bearer)
				})
			}
		})
	}
}

// logInAlone logs a new user in with a cookie, and then in the app, which finds the same.
func (s *scene) logInAlone(t *testing.T, p *page, by *provider) {
	t.Helper()
	me := s.logIn(t, p, by, by.logins[0])
	if me.Email != by.emails[0] || !me.EmailVerified {
		t.Errorf("the user is %+v", me)
	}
	if at, all := p.cookies(callbackOf(s.api, by.name)), p.cookies(s.api); !maps.Equal(at, all) || all["session"] == "" {
		t.Errorf("after the login, the cookies are %v, and at the callback %v", all, at)
	}

	p.forget()
	p.do(chromedp.Navigate(s.app), chromedp.Click("button[value="+by.name+"]"))
	by.logIn(p, by.logins[0])
	if id := p.reads(`document.querySelector("output")?.innerText ?? ""`); id != me.ID {
		t.Errorf("the app gets %s, and the user is %s", id, me.ID)
	}
	if p.cookies(s.api)["session"] != "" {
		t.Error("a login for an app sets the cookie")
	}
}

// refuse comes back from the provider without a login, reads why, and goes on to return_to.
func (s *scene) refuse(t *testing.T, p *page, by *provider) {
	t.Helper()
	if by.cancel == "" {
		return
	}
	p.forget()
	p.do(chromedp.Navigate(s.api+"/login/"+by.name+"?return_to=/healthz"), chromedp.Click(by.cancel))
	if title := p.reads(`document.querySelector("h1")?.innerText === "The login did not succeed" ? document.body.innerText : ""`); !strings.Contains(title, by.name) {
		t.Errorf("the page says %s", title)
	}
	p.look("login_refused")
	p.do(chromedp.Click("main a"))
	p.lands(s.api + "/healthz")
}

// link adds the provider's second user to an account with a password, and logs in with it.
func (s *scene) link(t *testing.T, p *page, by *provider) (api apptest.Server, bearer []string) {
	t.Helper()
	email := by.name + "@example.com"
	api = apptest.Server{Server: kit.At(t, s.api)}
	api.Want(201, "POST", "/register", apptest.Credentials(email))
	bearer = kit.Bearer(api.Token(email))
	var begin struct{ URL string }
	answer := api.Want(200, "POST", "/me/identities/"+by.name, `{"current_password":"`+apptest.Password+`","return_to":"/healthz"}`, bearer...)
	if err := json.Unmarshal([]byte(answer), &begin); err != nil {
		t.Fatal(err)
	}
	p.forget()
	p.do(chromedp.Navigate(begin.URL))
	by.logIn(p, by.logins[1])
	p.lands(s.api + "/healthz")
	if list := api.Want(200, "GET", "/me/identities", "", bearer...); strings.Count(list, `"provider":"`+by.name+`"`) != 1 {
		t.Errorf("the identities are %s", list)
	}
	if me := s.logIn(t, p, by, by.logins[1]); me.Email != email {
		t.Errorf("the linked identity is of %+v", me)
	}
	return api, bearer
}

// askForCode turns one-time codes on, so that a login at the provider needs one too.
func (s *scene) askForCode(t *testing.T, p *page, by *provider, api apptest.Server, bearer []string) {
	t.Helper()
	status, body := api.Send("POST", "/me/totp", `{"current_password":"`+apptest.Password+`"}`, bearer...)
	if status == http.StatusNotFound {
		return // the part totp is removed
	}
	var codes struct {
		Secret   string
		Recovery []string `json:"recovery_codes"`
	}
	err := json.Unmarshal([]byte(body), &codes)
	secret, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(codes.Secret)
	if err == nil {
		code := totp.Secret(secret).At(time.Now().Unix() / 30)
		err = json.Unmarshal([]byte(api.Want(200, "POST", "/me/totp/confirm", `{"otp":"`+code+`"}`, bearer...)), &codes)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.forget()
	p.do(chromedp.Navigate(s.api + "/login/" + by.name + "?return_to=/me"))
	by.logIn(p, by.logins[1])
	p.do(chromedp.WaitVisible("#otp"))
	p.look("login_code")
	p.do(chromedp.SendKeys("#otp", "000000\r"))
	p.says("try again")
	p.do(chromedp.SendKeys("#otp", codes.Recovery[0]+"\r")) // the refused code is selected
	if me := p.lands(s.api + "/me"); !strings.Contains(me, `"email":"`+by.name+`@example.com"`) {
		t.Errorf("the user is %s", me)
	}
}
