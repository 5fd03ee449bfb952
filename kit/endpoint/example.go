package endpoint

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/swaggest/jsonschema-go"
)

// exampleTag is the tag of an input's field with an example, for a rule that no
// schema can express: a text, or JSON if the field is not a text.
const exampleTag = "example"

const maxExampleDepth = 4

var exampleTexts = map[string]string{
	"email":     "ada@example.com",
	"uuid":      "01900000-0000-7000-8000-000000000000",
	"uri":       "https://example.com/",
	"date-time": "2030-01-02T03:04:05Z",
	"date":      "2030-01-02",
	"time":      "03:04:05Z",
}

// example returns a value that a schema allows. OpenAPI's tools send it when
// somebody tries a route. depth ends a type that contains itself.
func (d *document) example(schema object, depth int) any {
	if given, ok := schema["examples"].([]any); ok {
		return given[0]
	}
	if allowed := reflect.ValueOf(schema["enum"]); allowed.IsValid() {
		return allowed.Index(0).Interface()
	}
	if either, ok := schema["anyOf"].([]object); ok {
		return d.example(either[0], depth)
	}
	if ref, ok := schema["$ref"].(string); ok {
		return d.example(d.component(strings.TrimPrefix(ref, schemas)), depth)
	}
	kind := schema["type"]
	if kinds, ok := kind.([]any); ok {
		kind = kinds[0]
	}
	switch kind {
	case "object":
		fields := object{}
		for name, property := range asObject(schema["properties"]) {
			if depth > 0 {
				fields[name] = d.example(asObject(property), depth-1)
			}
		}
		return fields
	case "array":
		return slices.Repeat([]any{d.example(asObject(schema["items"]), depth-1)}, max(min(depth-1, 1), int(number(schema["minItems"]))))
	case "string":
		format, _ := schema["format"].(string)
		text := cmp.Or(exampleTexts[format], "text")
		text += strings.Repeat("x", max(0, int(number(schema["minLength"]))-len(text)))
		return text[:min(len(text), cmp.Or(int(number(schema["maxLength"])), len(text)))]
	case "integer", "number":
		return max(number(schema["minimum"]), 0)
	case "boolean":
		return true
	}
	return nil
}

// component is the schema of a struct by its name.
func (d *document) component(name string) object {
	switch schema := d.components[name].(type) {
	case jsonschema.Schema:
		simple, _ := schema.ToSchemaOrBool().ToSimpleMap()
		return simple
	default:
		return asObject(schema)
	}
}

func asObject(schema any) object {
	known, _ := schema.(object)
	return known
}

func number(keyword any) float64 {
	switch n := keyword.(type) {
	case float64:
		return n
	case int:
		return float64(n)
	}
	return 0
}
