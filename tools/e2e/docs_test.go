package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
)

func TestTheAPICanBeTriedOnItsPage(t *testing.T) {
	for claim, c := range map[string]struct{ basePath, prefix string }{
		"at the root":                         {"", ""},
		"behind a proxy that strips a prefix": {"", "/api"},
		"with a base path behind that proxy":  {"/v1", "/api"},
	} {
		t.Run(claim, func(t *testing.T) {
			app := apptest.New(t, func(s *config.Settings) { s.Server.BasePath = c.basePath })
			to, err := url.Parse(app.URL)
			if err != nil {
				t.Fatal(err)
			}
			proxy := httptest.NewServer(http.StripPrefix(c.prefix, httputil.NewSingleHostReverseProxy(to)))
			t.Cleanup(proxy.Close)
			p := browse(t, proxy.URL+c.prefix+c.basePath, "/")
			if document := app.Get(c.basePath + "/openapi.json").Body; !strings.Contains(document, `"tokenUrl"`) {
				t.Skip("the page has no login with a password")
			}
			try(t, app, p)
		})
	}
}

// visibleFields are the ids of the fields of the first login in the dialog, as far as
// they are seen without scrolling.
const visibleFields = `(() => {
	const seen = document.querySelector(".modal-ux-content").getBoundingClientRect();
	return [...document.querySelectorAll(".modal-ux .auth-container:first-of-type :is(input, select)")].filter(field => {
		const at = field.getBoundingClientRect();
		return at.height > 0 && at.top >= seen.top && at.bottom <= Math.min(seen.bottom, innerHeight) && at.right <= innerWidth;
	}).map(field => field.id).join(" ");
})()`

func try(t *testing.T, app *apptest.App, p *page) {
	t.Helper()
	p.do(chromedp.WaitVisible(".opblock"))
	p.execute("account-accountRegister", "201", "ada@example.com") // with the example of the document
	p.execute("protected-protectedShow", "401", "token_missing")
	p.do(
		chromedp.Click(".auth-wrapper .authorize"),
		chromedp.SendKeys("#oauth_username", "ada@example.com"),
		chromedp.SendKeys("#oauth_password", apptest.Password),
	)
	p.do(chromedp.EmulateViewport(360, 640))
	if fields := run(p, chromedp.Evaluate[string](visibleFields)); fields != "oauth_username oauth_password" {
		t.Errorf("the first fields on a phone are %q", fields)
	}
	p.do(
		chromedp.EmulateViewport(1400, 1000),
		chromedp.Click(".modal-ux .auth-container .auth-btn-wrapper .authorize"),
		chromedp.WaitVisible(`//button[text()="Logout"]`),
		chromedp.Click(".modal-ux .btn-done"),
	)
	p.execute("protected-protectedShow", "200", app.User("ada@example.com").ID.String())
	p.execute("sessions-sessionsLogout", "204", "")
	p.execute("protected-protectedShow", "401", "Token revoked")
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errors) > 0 {
		t.Error(strings.Join(p.errors, "\n"))
	}
}

// execute calls a route, and waits for an answer with a status and a text.
func (p *page) execute(operation, status, text string) {
	p.t.Helper()
	block := "#operations-" + operation
	if open := run(p, chromedp.Evaluate[bool](`document.querySelector("`+block+`.is-open") !== null`)); !open {
		p.do(chromedp.Click(block + " .opblock-summary-control"))
	}
	p.do(chromedp.Click(block + " .execute"))
	run(p, chromedp.Poll[bool](`(() => {
		const row = document.querySelector("`+block+` .live-responses-table .response");
		return row && row.innerText.includes("`+status+`") && row.innerText.includes("`+text+`");
	})()`, chromedp.WithPollingTimeout(5*time.Minute)))
}

func TestThePageOfTheAPINeedsOnlyAKeyboard(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	p := browse(t, app.URL, "/docs")
	p.do(chromedp.WaitVisible(".opblock"))
	ignored := []string{"nested-interactive", "button-name", "select-name", "label-content-name-mismatch", "target-size"} // they are about the elements of Swagger UI
	p.look("docs", ignored...)
	p.press(".auth-wrapper .authorize", "\r")
	p.do(chromedp.WaitVisible(".modal-ux"))
	p.look("docs_login", ignored...)
	p.press("#oauth_username", "ada@example.com")
	p.press("#oauth_password", apptest.Password)
	p.press(".modal-ux .authorize", "\r")
	p.do(chromedp.WaitVisible(`//button[text()="Logout"]`))
	p.press(".modal-ux .btn-done", "\r")
	p.press("#operations-protected-protectedShow .opblock-summary-control", "\r")
	p.shows(".response .example", "user_id") // Swagger UI has read the references by then
	p.press("#operations-protected-protectedShow .execute", "\r")
	p.shows(".live-responses-table", "user_id")
	p.look("docs_route", ignored...)
}
