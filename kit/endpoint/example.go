package endpoint

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

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
	if reference, ok := schema["$ref"].(string); ok {
		return d.example(d.components[strings.TrimPrefix(reference, schemas)].(object), depth)
	}
	number := func(keyword string) float64 {
		n, _ := schema[keyword].(float64)
		return n
	}
	switch schema["type"] {
	case "object":
		fields := object{}
		properties, _ := schema["properties"].(object)
		for name, property := range properties {
			if depth > 0 {
				fields[name] = d.example(property.(object), depth-1)
			}
		}
		return fields
	case "array":
		items, _ := schema["items"].(object)
		return slices.Repeat([]any{d.example(items, depth-1)}, max(min(depth-1, 1), int(number("minItems"))))
	case "string":
		format, _ := schema["format"].(string)
		text := cmp.Or(exampleTexts[format], "text")
		text += strings.Repeat("x", max(0, int(number("minLength"))-len(text)))
		return text[:min(len(text), cmp.Or(int(number("maxLength")), len(text)))]
	case "integer", "number":
		return max(number("minimum"), 0)
	case "boolean":
		return true
	}
	return nil
}
