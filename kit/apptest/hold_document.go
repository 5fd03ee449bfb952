package apptest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func (h *holder) eachExampleHasTheStatusOfItsAnswer(t *testing.T) {
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
	if err := json.Unmarshal(h.text, &read); err != nil {
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
func (h *holder) everyExampleMatchesItsSchema(t *testing.T) {
	document := h.document
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

func (h *holder) noAnswerHasASecret(t *testing.T) {
	secret := regexp.MustCompile(`(?i)passw|secret|hash|token|private`)
	var walk func(of string, schema *openapi3.SchemaRef, depth int)
	walk = func(of string, schema *openapi3.SchemaRef, depth int) {
		if schema == nil || depth > 8 {
			return
		}
		if schema.Ref != "" {
			of = schema.Ref[strings.LastIndex(schema.Ref, "/")+1:]
		}
		for name, property := range schema.Value.Properties {
			if secret.MatchString(name) && !slices.Contains(h.HandedOut, of+"."+name) {
				t.Errorf("%s shows %s", of, name)
			}
			walk(of+"."+name, property, depth+1)
		}
		walk(of, schema.Value.Items, depth+1)
		for _, part := range append(schema.Value.AnyOf, schema.Value.AllOf...) {
			walk(of, part, depth+1)
		}
	}
	for _, item := range h.document.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, response := range operation.Responses.Map() {
				for _, content := range response.Value.Content {
					walk("an answer", content.Schema, 0)
				}
			}
		}
	}
}
