package docs_test

import (
	"os"
	"strings"
	"testing"

	"example.com/latchkey/app"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/parts/docs"
	"example.com/latchkey/routes"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

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
		if strings.HasPrefix(quoted, "docs/") {
			app.Get("/"+quoted).Want(t, 200, "")
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

func TestTheDocumentIsServedOnceAndCompressed(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	document, err := routes.Document(apptest.Described())
	if err != nil {
		t.Fatal(err)
	}
	answer := app.Serve("GET", "/openapi.json", "")
	if answer.Status != 200 || answer.Body != string(document) || answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v", answer.Status, answer.Header)
	}
	small := app.Serve("GET", "/openapi.json", "", "Accept-Encoding", "gzip")
	if small.Header.Get("Content-Encoding") != "gzip" || len(small.Body) > len(answer.Body)/5 {
		t.Errorf("%d bytes of %d, %v", len(small.Body), len(answer.Body), small.Header)
	}
	if again := app.Serve("GET", "/openapi.json", "", "If-None-Match", answer.Header.Get("ETag")); again.Status != 304 || again.Body != "" {
		t.Errorf("%d %s", again.Status, again.Body)
	}
}

func TestTheDocsCanBeTurnedOff(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t, func(s *config.Settings) { config.Of[docs.Settings](*s).Docs = new(false) })
	for _, path := range []string{"/docs", "/openapi.json", "/docs/start.js"} {
		app.Get(path).Want(t, 404, "not_found")
	}
	if answer := app.Get("/").Want(t, 200, ""); answer.Field("status") != "ok" {
		t.Error(answer.Body)
	}
}

func TestDocsAreShownInDevelopmentOrIfTheyAreOn(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for environ, want := range map[[2]string]bool{{}: true, {"APP_SERVER_DOCS=false"}: false, {"APP_ENVIRONMENT=production"}: false, {"APP_ENVIRONMENT=production", "APP_SERVER_DOCS=true"}: true} {
		secret := "APP_JWT_SECRET=" + string(settings.NewSecret().Bytes())
		read, err := config.Load(settings.DefaultFile, append(environ[:], secret), docs.Part().Settings...)
		if err != nil {
			t.Fatal(err)
		}
		running := docs.Part().New(app.App{Settings: read})
		warned := running.Warnings != nil
		if got := running.Pages != nil; got != want || warned != (want && read.InProduction()) {
			t.Errorf("%v: shown %t, with a warning %t, want %t", environ, got, warned, want)
		}
	}
}
