package routes_test

import (
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
)

// pagesOfDocs are the routes that the document leaves out.
var pagesOfDocs = []string{"GET /docs", "GET /docs/:file"}

func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	page := app.Get("/docs").Want(t, 200, "")
	for _, path := range []string{"/", "/docs", "/docs/index.html"} {
		got := app.Get(path).Want(t, 200, "").Header.Get("Content-Security-Policy")
		for _, policy := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(got, policy) || strings.Contains(got, "unsafe") {
				t.Errorf("%s: %s", path, got)
			}
		}
	}
	for _, quoted := range strings.Split(page.Body, `"`) {
		if strings.HasPrefix(quoted, "/docs/") {
			app.Get(quoted).Want(t, 200, "")
		} else if strings.Contains(quoted, "//") {
			t.Errorf("it loads %s", quoted)
		}
	}
	app.Get("/docs/nothing.js").Want(t, 404, "not_found")
	app.Get("/docs/..%2fgo.mod").Want(t, 404, "not_found")
}

func TestThePageFollowsTheBasePath(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t, func(s *config.Settings) { s.Server.BasePath = "/v1" })
	for path, status := range map[string]int{"/docs": 200, "/docs/start.js": 200, "/": 302} {
		answer := app.Serve("GET", path, "")
		if to := answer.Header.Get("Location"); answer.Status != status || status == 302 && to != "docs" {
			t.Errorf("%s is answered %d, to %q, want %d", path, answer.Status, to, status)
		}
	}
}
