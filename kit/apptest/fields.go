package apptest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
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
