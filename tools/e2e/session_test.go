package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

// pageOf serves the page of the README of browser sessions below /app/, and everything else
// as the proxy of a development server does.
type pageOf struct {
	files map[string]string // by name
	api   *httputil.ReverseProxy
}

func (p *pageOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, found := strings.CutPrefix(r.URL.Path, "/app/")
	if !found {
		p.api.ServeHTTP(w, r)
		return
	}
	media := map[bool]string{true: "text/html; charset=utf-8", false: "text/javascript"}[strings.HasSuffix(name, ".html")]
	w.Header().Set("Content-Type", media)
	_, _ = w.Write([]byte(p.files[name]))
}

// readPage returns the files of the page. A fork may have removed it, or its notes.
func readPage(t *testing.T) *pageOf {
	t.Helper()
	readme, err := os.ReadFile("../../parts/browser/README.md")
	if err != nil {
		t.Skip("there are no sessions of browsers")
	}
	p := &pageOf{files: map[string]string{}}
	for _, file := range regexp.MustCompile("(?s)`parts/own/page/(\\S+)`:\n\n```\\w+\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		p.files[file[1]] = file[2]
	}
	if len(p.files) != 2 || strings.Count(p.files["page.html"]+p.files["page.js"], "\n") > 45 {
		t.Fatalf("the page is %v", p.files)
	}
	return p
}

// cookies are those that the browser has for a URL, by name.
func (p *page) cookies(at string) map[string]string {
	p.t.Helper()
	got, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{at}})
	if err != nil {
		p.t.Fatal(err)
	}
	values := map[string]string{}
	for _, cookie := range got.Cookies {
		values[cookie.Name] = cookie.Value
	}
	return values
}

// fetch makes the page send a request, and returns the status of the answer, or 0 if the
// page may not read it.
func (p *page) fetch(method, at, options string) int {
	p.t.Helper()
	return run(p, chromedp.Evaluate[int](`fetch("`+at+`", {method: "`+method+`", credentials: "include", `+options+`}).then(answer => answer.status, () => 0)`, chromedp.EvalAwaitPromise))
}

func TestAPageSignsInWithACookie(t *testing.T) {
	for claim, other := range map[string]bool{"of the same origin": false, "of a listed origin": true} {
		t.Run(claim, func(t *testing.T) {
			files := readPage(t)
			pages := httptest.NewServer(files)
			t.Cleanup(pages.Close)
			var origins string
			if other {
				origins = pages.URL
			}
			at := apptest.Launch(t, t.TempDir(), "APP_BROWSER_ORIGINS="+origins).Await().URL
			to, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			files.api = httputil.NewSingleHostReverseProxy(to)
			if other {
				files.files["page.js"] = strings.Replace(files.files["page.js"], `".."`, `"`+at+`"`, 1)
			}
			walk(t, pages.URL, at)
		})
	}
}

// walk registers, signs in on the page, and is signed out from elsewhere.
func walk(t *testing.T, pages, at string) {
	t.Helper()
	profile := chromedp.UserDataDir(t.TempDir())
	send := func(status int, method, path, body string, headers ...string) string {
		return kit.At(t, at).Want(status, method, path, body, headers...)
	}
	send(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	tokens := regexp.MustCompile(`"access_token":"([^"]+)"`)
	bearer := kit.Bearer(tokens.FindStringSubmatch(send(200, "POST", "/login", apptest.Credentials("ada@example.com")))[1])
	if status, _ := kit.At(t, at).Send("POST", "/notes", `{"title":"Milk"}`, bearer...); status == http.StatusNotFound {
		t.Skip("there are no notes to show")
	}
	p := browse(t, pages, "/app/page.html", profile)
	p.do(
		chromedp.WaitVisible("#login"),
		chromedp.SendKeys("#login [name=email]", "ada@example.com"),
		chromedp.SendKeys("#login [name=password]", "wrong\r"),
	)
	p.says("Incorrect username or password")
	p.do(chromedp.SendKeys("#login [name=password]", strings.Repeat("\b", len("wrong"))+apptest.Password+"\r"), chromedp.WaitVisible("#notes li"))
	p.shoot("notes", 800, 600)
	before := p.cookies(at)["session"]
	if seen := run(p, chromedp.Evaluate[string]("document.cookie")); before == "" || seen != "" {
		t.Errorf("the cookie is %q, and the page sees %q", before, seen)
	}
	if err := chromedp.Cancel(p.ctx); err != nil {
		t.Fatal(err)
	}

	p = browse(t, pages, "/app/page.html", profile)
	p.do(chromedp.WaitVisible("#notes li"))
	attack(t, p, at)
	p.do(chromedp.Navigate(pages+"/app/page.html"), chromedp.WaitVisible("#notes li"))
	send(204, "DELETE", "/sessions?scope=all", "", bearer...)
	p.do(chromedp.Reload(), chromedp.WaitVisible("#login"))
	if left := p.cookies(at); len(left) > 0 {
		t.Errorf("the cookie is left: %v", left)
	}
	p.do(
		chromedp.SendKeys("#login [name=email]", "ada@example.com"),
		chromedp.SendKeys("#login [name=password]", apptest.Password+"\r"), chromedp.WaitVisible("#logout"),
		chromedp.Click("#logout"), chromedp.WaitVisible("#login"),
	)
	if left := p.cookies(at); len(left) > 0 {
		t.Errorf("after the logout, the cookie is left: %v", left)
	}
}

// attack opens pages of another origin, once of the same site, whose requests have the
// cookie, and once of another. Neither reads or changes anything.
func attack(t *testing.T, p *page, at string) {
	t.Helper()
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<form method="post" action="` + at + `/logout"><button>Win</button></form>`))
	}))
	t.Cleanup(evil.Close)
	for _, from := range []string{evil.URL, strings.Replace(evil.URL, "127.0.0.1", "localhost", 1)} {
		p.do(chromedp.Navigate(from), chromedp.WaitVisible("button"))
		for _, options := range []string{"", `mode: "no-cors"`, `mode: "no-cors", body: "{}", headers: {"Content-Type": "text/plain"}`, `body: "{}", headers: {"Content-Type": "application/json"}`} {
			if status := p.fetch("POST", at+"/logout", options); status != 0 {
				t.Errorf("from %s with %s: %d", from, options, status)
			}
		}
		if status := p.fetch("GET", at+"/me", ""); status != 0 {
			t.Errorf("%s reads the answer with status %d", from, status)
		}
		want := map[bool]string{true: "forbidden", false: "token_missing"}[from == evil.URL] // a cookie is not sent from another site
		p.do(chromedp.Click("button"), chromedp.WaitVisible(`//pre[contains(text(), "`+want+`")]`))
	}
}
