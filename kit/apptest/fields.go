package apptest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Long is a JSON string with a number of characters.
func Long(characters int) string { return text(strings.Repeat("ä", characters)) }

// FieldCase is a JSON value that a field accepts or refuses. None leaves the field
// out.
type FieldCase struct {
	Field, Value string
	Taken        bool
}

// Field is a case of a field.
func Field(name, value string, taken bool) FieldCase { return FieldCase{name, value, taken} }

// What a case wants, and the value of a field that is left out.
const (
	Taken   = true
	Refused = false
	None    = ""
)

// HoldFields fails the test unless a row of the resource at path is created with each value,
// and a row changes to it, or both are refused.
func HoldFields(t *testing.T, of Rules, path string, cases []FieldCase) {
	t.Helper()
	h, app := hold(t, of)
	bearer := app.running.Admin("ada@example.com")
	for _, c := range h.allCollections() {
		if c.path != path {
			continue
		}
		kept := c.make(t, app, bearer)
		for _, is := range cases {
			body := c.minimal(t, app, bearer)
			body[is.Field] = json.RawMessage(is.Value)
			if is.Value == None {
				delete(body, is.Field)
			}
			check := func(status int, answer Answer) {
				t.Helper()
				says, code := `"`+is.Field+`":`+is.Value, ""
				if !is.Taken {
					status, says, code = 422, `{"field":"`+is.Field+`"`, "validation_failed"
				}
				if answer.Status != status || !is.Taken && answer.Field("code") != code || !strings.Contains(answer.Body, says) {
					t.Errorf("%s of %.40s is answered %d %.300s, want %d with %.100s", is.Field, is.Value, answer.Status, answer.Body, status, says)
				}
			}
			made := app.Post(path, text(body), bearer...)
			if absent := is.Value == `null` && !is.Taken && !slices.Contains(c.schema().Required, is.Field); absent {
				made.Want(t, 201, "") // null is refused only as a change
			} else {
				check(201, made)
			}
			if is.Value != None {
				app.Do("DELETE", path+"/"+made.Field("id"), nil, bearer...) // a unique value is free again
				change := `{"` + is.Field + `":` + is.Value + `}`
				check(200, app.Do("PATCH", path+"/"+kept.Field("id"), strings.NewReader(change), bearer...))
			}
		}
		return
	}
	t.Fatalf("nobody can POST to %s", path)
}

// RoutesWith are the paths of the POST routes whose JSON body has the first of some fields,
// each with the example of its body, without these fields.
func (a *App) RoutesWith(fields ...string) map[string]map[string]any {
	a.t.Helper()
	text, err := a.program.document()
	if err != nil {
		a.t.Fatal(err)
	}
	read, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		a.t.Fatal(err)
	}
	found := map[string]map[string]any{}
	for path, item := range read.Paths.Map() {
		if item.Post == nil || item.Post.RequestBody == nil {
			continue
		}
		if content := item.Post.RequestBody.Value.Content["application/json"]; content != nil && content.Schema.Value.Properties[fields[0]] != nil {
			found[path] = content.Example.(map[string]any)
			maps.DeleteFunc(found[path], func(name string, _ any) bool { return slices.Contains(fields, name) })
		}
	}
	return found
}

// With is the JSON of a body with more fields.
func With(body, more map[string]any) string {
	all := maps.Clone(body)
	maps.Copy(all, more)
	text, _ := json.Marshal(all) // both come from JSON
	return string(text)
}

// WantField fails the test unless a field is refused, for this reason.
func WantField(t testing.TB, answer Answer, field, says string) {
	t.Helper()
	if answer.Want(t, 422, "validation_failed"); !strings.Contains(answer.Body, `{"field":"`+field+`","message":"`+says+`"}`) {
		t.Errorf("%s, want %s %s", answer.Body, field, says)
	}
}
