package apptest

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// collection is a resource as the document describes it.
type collection struct {
	of        *holder
	path      string
	access    string // of its POST
	owned     bool   // by the user who creates it: its answer embeds rows.Owned
	list, one *openapi3.PathItem
	others    map[string]collection // by a field that refers to it, such as note_id
}

// collections are the resources that a user can create, list and show.
func (h *holder) collections() (all []collection) {
	return slices.DeleteFunc(h.allCollections(), func(c collection) bool { return c.access != h.UserAccess })
}

// allCollections also has the resources that only others can create.
func (h *holder) allCollections() (all []collection) {
	paths, byField := h.document.Paths, map[string]collection{}
	for _, route := range h.routes {
		one := paths.Find(route.Path + "/{id}")
		if route.Access.Public() || route.Method != "POST" || one == nil || one.Get == nil || h.Resources[route.Path].Skip != "" {
			continue
		}
		this := collection{h, route.Path, route.Access.Name, isOwned(route.Answer()), paths.Find(route.Path), one, byField}
		shown := createdSchema(this.list.Post)
		if shown == "" || this.list.Post.RequestBody.Value.Content.Get("application/json") == nil {
			continue
		}
		name := camel.ReplaceAllString(shown[strings.LastIndex(shown, "/")+1:], "${1}_$2")
		byField[strings.ToLower(name)+"_id"] = this
		all = append(all, this)
	}
	return all
}

// isOwned tells by the type of a row whether it belongs to a user.
func isOwned(row reflect.Type) bool {
	return row != nil && row.Kind() == reflect.Struct && slices.ContainsFunc(reflect.VisibleFields(row), func(field reflect.StructField) bool {
		return field.Anonymous && field.Type.Name() == "Owned" // of kit/rows, or of a program's copy of it
	})
}

// createdSchema is the name of the schema that a POST answers with, "" without one.
func createdSchema(post *openapi3.Operation) string {
	for _, status := range []int{201, 200} {
		if answer := post.Responses.Status(status); answer != nil && answer.Value.Content.Get("application/json") != nil {
			return answer.Value.Content.Get("application/json").Schema.Ref
		}
	}
	return ""
}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

func (c collection) schema() *openapi3.Schema {
	return c.list.Post.RequestBody.Value.Content.Get("application/json").Schema.Value
}

// minimal is the smallest valid input, with the rows that it refers to.
func (c collection) minimal(t *testing.T, app *App, bearer []string) map[string]any {
	t.Helper()
	if own := c.of.Resources[c.path]; own.Input != nil {
		return own.Input(t, app, bearer)
	}
	members := map[string]any{}
	for _, name := range c.schema().Required {
		if other, refers := c.others[name]; refers {
			maker := bearer
			if other.access != c.access {
				maker = app.running.Admin(fmt.Sprintf("root%d@example.com", examples.Add(1)))
			}
			members[name] = other.make(t, app, maker).Field("id")
		} else {
			members[name] = example(c.schema().Properties[name].Value)
		}
	}
	return members
}

// make creates a row.
func (c collection) make(t *testing.T, app *App, bearer []string) Answer {
	t.Helper()
	body := c.minimal(t, app, bearer)
	answer := app.Post(c.path, text(body), bearer...)
	if answer.Status != 201 && answer.Status != 200 {
		t.Fatalf("POST %s %s, the smallest input that the document allows, is answered %d %s: correct the rules, or give an input in Rules.Resources", c.path, text(body), answer.Status, answer.Body)
	}
	return answer
}

// has reports whether an operation has a parameter.
func has(operation *openapi3.Operation, in, name string) bool {
	return operation != nil && operation.Parameters.GetByInAndName(in, name) != nil
}

// examples counts the examples.
var examples atomic.Int64

// example is a value that a schema allows. It differs each time if possible,
// because a field may be unique.
func example(schema *openapi3.Schema) any {
	n := examples.Add(1)
	switch {
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case schema.Type.Is("string"):
		formats := map[string]string{
			"date-time": "2026-11-23T12:00:00Z", "email": fmt.Sprintf("ada%d@example.com", n),
			"uuid": fmt.Sprintf("01900000-0000-7000-8000-%012x", n),
		}
		if known := formats[schema.Format]; known != "" {
			return known
		}
		word := strconv.FormatInt(n, 36)
		if schema.MaxLength != nil {
			word = word[max(0, len(word)-int(*schema.MaxLength)):] //nolint:gosec // a short word
		}
		return strings.Repeat("0", max(0, int(schema.MinLength)-len(word))) + word //nolint:gosec // a short word
	case schema.Type.Is("object"):
		return map[string]any{}
	case schema.Type.Is("array"):
		return []any{}
	case schema.Type.Is("boolean"):
		return true
	}
	least, most := 0.0, 1e6
	switch {
	case schema.Min != nil && schema.Max != nil:
		least, most = *schema.Min, *schema.Max
	case schema.Min != nil:
		least, most = *schema.Min, *schema.Min+most
	case schema.Max != nil:
		least, most = *schema.Max-most, *schema.Max
	}
	return least + math.Mod(float64(n), most-least+1)
}

// text is a value as JSON.
func text(value any) string {
	written, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(written)
}
