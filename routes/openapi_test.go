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
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/routes"
)

func document(t *testing.T) []byte {
	t.Helper()
	text, err := routes.Document(apptest.Described())
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
	pages := []string{"GET /"} // for people, not for clients
	for _, page := range apptest.Described().PagesOfParts() {
		pages = append(pages, page.Method+" "+page.Path)
	}
	for _, route := range apptest.New(t).Engine.Routes() {
		path := parameters.ReplaceAllString(route.Path, "/{$1}")
		if route.Method != http.MethodHead && !slices.Contains(pages, route.Method+" "+route.Path) && read.Paths[path][strings.ToLower(route.Method)] == nil {
			t.Errorf("%s %s is not in the document", route.Method, route.Path)
		}
	}
}
