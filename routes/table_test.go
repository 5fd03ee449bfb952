package routes_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/latchkey/apptest"
	"example.com/latchkey/auth"
	"example.com/latchkey/endpoint"
	"example.com/latchkey/routes"
)

// These tests walk the table and the document, so they hold for resources that
// do not exist yet.

// bodies are for collections whose POST asks for more than its schema says.
var bodies = map[string]string{}

// person is somebody logged in, and what they have made.
type person struct {
	bearer []string
	made   map[string]string // the id of each, by the name of a field that refers to it, such as note_id
}

func TestWhatIsOwnedIsItsOwnersAlone(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	app.Register("bob@example.com")
	ada := person{app.Login("ada@example.com"), map[string]string{}}
	bob := person{app.Login("bob@example.com"), map[string]string{}}
	paths := described(t).Paths
	for _, collection := range routes.Table(nil, auth.Services{}) {
		one := paths.Find(collection.Path + "/{id}")
		if collection.Access != endpoint.AccessUser || collection.Method != "POST" || one == nil || one.Get == nil {
			continue
		}
		t.Run(collection.Path, func(t *testing.T) {
			schema := paths.Find(collection.Path).Post.RequestBody.Value.Content.Get("application/json").Schema.Value
			post := func(owner person, refersTo map[string]string) apptest.Answer {
				body := bodies[collection.Path]
				if body == "" {
					text, _ := json.Marshal(example(schema, "", refersTo))
					body = string(text)
				}
				return app.Post(collection.Path, body, owner.bearer...)
			}
			hers := post(ada, ada.made)
			if hers.Status != 201 {
				t.Fatalf("the least that the document allows is answered %d %s: correct the rules, or write a body into bodies", hers.Status, hers.Body)
			}
			his := post(bob, bob.made).Want(t, 201, "")
			hisPath, herPath := collection.Path+"/"+his.Field("id"), collection.Path+"/"+hers.Field("id")
			for _, method := range []string{"GET", "PATCH", "PUT", "DELETE"} {
				if one.GetOperation(method) != nil {
					app.Do(method, herPath, strings.NewReader("{}"), bob.bearer...).Want(t, 404, "not_found")
				}
			}
			if list := app.Get(collection.Path, bob.bearer...).Body; strings.Contains(list, hers.Field("id")) || !strings.Contains(list, his.Field("id")) {
				t.Errorf("he lists %s", list)
			}
			for field, id := range ada.made {
				if schema.Properties[field] == nil {
					continue
				}
				post(bob, ada.made).Want(t, 422, "validation_failed")
				if one.Patch != nil {
					app.Do("PATCH", hisPath, strings.NewReader(`{"`+field+`":"`+id+`"}`), bob.bearer...).Want(t, 422, "validation_failed")
				}
			}
			if now := app.Get(herPath, ada.bearer...).Want(t, 200, ""); now.Body != hers.Body {
				t.Errorf("hers was %s and is %s", hers.Body, now.Body)
			}
			answer := paths.Find(collection.Path).Post.Responses.Status(201).Value.Content.Get("application/json").Schema.Ref
			field := strings.ToLower(camel.ReplaceAllString(answer[strings.LastIndex(answer, "/")+1:], "${1}_$2")) + "_id"
			ada.made[field], bob.made[field] = hers.Field("id"), his.Field("id")
		})
	}
}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// example is the least that a schema allows, and whatever made has for it.
func example(schema *openapi3.Schema, name string, made map[string]string) any {
	switch {
	case made[name] != "":
		return made[name]
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case schema.Type.Is("object"):
		members := map[string]any{}
		for name, property := range schema.Properties {
			if _, refers := made[name]; refers || strings.Contains(" "+strings.Join(schema.Required, " ")+" ", " "+name+" ") {
				members[name] = example(property.Value, name, made)
			}
		}
		return members
	case schema.Type.Is("string"):
		formats := map[string]string{"date-time": "2026-11-23T12:00:00Z", "uuid": "01900000-0000-7000-8000-000000000000", "email": "ada@example.com", "uri": "https://example.com"}
		if known := formats[schema.Format]; known != "" {
			return known
		}
		return strings.Repeat("x", int(max(1, schema.MinLength))) //nolint:gosec // a short word
	case schema.Type.Is("array"):
		return []any{}
	case schema.Type.Is("boolean"):
		return true
	case schema.Min != nil:
		return *schema.Min
	}
	return 1
}

// handedOut are secrets that their owner is to have.
var handedOut = regexp.MustCompile(`^Token\.(access_token|refresh_token|token_type)$`)

func TestNoAnswerHoldsASecret(t *testing.T) {
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
			if secret.MatchString(name) && !handedOut.MatchString(of+"."+name) {
				t.Errorf("%s shows %s", of, name)
			}
			walk(of+"."+name, property, depth+1)
		}
		walk(of, schema.Value.Items, depth+1)
		for _, part := range append(schema.Value.AnyOf, schema.Value.AllOf...) {
			walk(of, part, depth+1)
		}
	}
	for _, item := range described(t).Paths.Map() {
		for _, operation := range item.Operations() {
			for _, response := range operation.Responses.Map() {
				for _, content := range response.Value.Content {
					walk("an answer", content.Schema, 0)
				}
			}
		}
	}
}

// described is the document, read.
func described(t *testing.T) *openapi3.T {
	t.Helper()
	read, err := openapi3.NewLoader().LoadFromData(document(t))
	if err != nil {
		t.Fatal(err)
	}
	return read
}
