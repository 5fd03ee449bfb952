package routes_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
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

func TestEachExampleHasTheStatusOfItsAnswer(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	type example struct {
		Ref   string `json:"$ref"`
		Value struct{ Status int }
	}
	var read struct {
		Components struct{ Examples map[string]example }
		Paths      map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct{ Examples map[string]example }
			}
		}
	}
	if err := json.Unmarshal(document(t), &read); err != nil {
		t.Fatal(err)
	}
	for path, operations := range read.Paths {
		for method, operation := range operations {
			for status, response := range operation.Responses {
				for code, shown := range response.Content["application/problem+json"].Examples {
					if got := read.Components.Examples[code].Value.Status; strconv.Itoa(got) != status || shown.Ref != "#/components/examples/"+code {
						t.Errorf("%s %s: %s is shown with status %d for %s", method, path, code, got, status)
					}
				}
			}
		}
	}
}

// If an example is wrong because of a rule that no schema can express, the field needs
// the tag example:"…".
func TestEveryExampleMatchesItsSchema(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	document := described(t)
	if err := document.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			tag := document.Tags.Get(operation.Tags[0])
			if operation.Description == "" || tag == nil || tag.Description == "" {
				t.Errorf("%s %s or its tag has no description", method, path)
			}
			if operation.RequestBody == nil {
				continue
			}
			for media, body := range operation.RequestBody.Value.Content {
				hasFiles := media == "multipart/form-data" && len(operation.RequestBody.Value.Content) == 1
				if body.Schema != nil && body.Example == nil && !hasFiles {
					t.Errorf("%s %s has no example of %s", method, path, media)
				}
			}
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
