package routes_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/routes"
)

func document(t *testing.T) []byte {
	t.Helper()
	text, err := routes.App{Settings: config.Defaults()}.Document()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A change of the API must be visible in review.
func TestDocsHasTheCurrentDocument(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	kept, err := os.ReadFile("../docs/openapi.json")
	var compact bytes.Buffer
	err = errors.Join(err, json.Compact(&compact, kept))
	if err != nil || !bytes.Equal(compact.Bytes(), document(t)) {
		t.Errorf("docs/openapi.json is not the document (%v): run `make openapi` and look at the difference", err)
	}
}

func TestEveryRouteIsDocumented(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	var read struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal(document(t), &read); err != nil {
		t.Fatal(err)
	}
	parameters := regexp.MustCompile(`/[:*]([^/]+)`)
	pages := slices.Concat([]string{"GET /", "GET /openapi.json"}, pagesOfDocs, pagesOfMail) // for people, not for clients
	for _, route := range apptest.New(t).Engine.Routes() {
		path := parameters.ReplaceAllString(route.Path, "/{$1}")
		if route.Method != http.MethodHead && !slices.Contains(pages, route.Method+" "+route.Path) && read.Paths[path][strings.ToLower(route.Method)] == nil {
			t.Errorf("%s %s is not in the document", route.Method, route.Path)
		}
	}
}

func TestTheDocumentIsServedOnceAndCompressed(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	answer := app.Serve("GET", "/openapi.json", "")
	if answer.Status != 200 || answer.Body != string(document(t)) || answer.Header.Get("Content-Type") != "application/json" {
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
	app := apptest.New(t, func(s *config.Settings) { s.Server.Docs = new(false) })
	for _, path := range []string{"/docs", "/openapi.json", "/docs/start.js"} {
		app.Get(path).Want(t, 404, "not_found")
	}
	if answer := app.Get("/").Want(t, 200, ""); answer.Field("status") != "ok" {
		t.Error(answer.Body)
	}
}
