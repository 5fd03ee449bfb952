package endpoint

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// exampleTag is the tag of an input's field with an example, for a rule that no
// schema can express: a text, or JSON if the field is not a text.
const exampleTag = "example"

// field describes a field of a struct with its rules.
func (d *document) field(in reflect.Type, field field, role string) (schema object, required bool) {
	defer func(outer string) { d.where = outer }(d.where)
	d.where = fmt.Sprintf("%s: %v.%s", d.where, in, field.Name)
	d.checkRules(in, field)
	schema = d.describe(field.Type, role)
	required = addRules(schema, field)
	if role == asAnswer {
		required = !strings.Contains(field.Tag.Get(tagJSON), ",omit")
	}
	if text, ok := field.Tag.Lookup(exampleTag); ok {
		var given any = text
		if isText := pointee(field.Type).Kind() == reflect.String; !isText {
			if err := json.Unmarshal([]byte(text), &given); err != nil {
				d.fail("the tag %s is not JSON: %w", exampleTag, err)
			}
		}
		schema["examples"] = []any{given}
	}
	return schema, required
}

// addRules adds the rules of a field's binding tag to its schema, as far as JSON
// Schema can express them. It reports whether the field is required.
func addRules(schema object, field field) (required bool) {
	size := cmp.Or(sizeKeywords[pointee(field.Type).Kind()], "imum")
	for _, rule := range strings.Split(field.Tag.Get("binding"), ",") {
		name, value, _ := strings.Cut(rule, "=")
		number, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "required":
			required = true
		case "dive":
			return required // the next rules are about the items
		case "email", "uuid", "uri":
			schema["format"] = name
		case "oneof":
			schema["enum"] = strings.Fields(value)
		case "min", "gte":
			schema["min"+size] = number
		case "max", "lte":
			schema["max"+size] = number
		}
	}
	if required && size == "Length" && schema["minLength"] == nil && schema["enum"] == nil {
		schema["minLength"] = 1.0 // "required" refuses an empty string
	}
	return required
}

// sizeKeywords are the second halves of JSON Schema's keywords for limits, such as
// minLength. A number has minimum.
var sizeKeywords = map[reflect.Kind]string{reflect.String: "Length", reflect.Slice: "Items", reflect.Array: "Items"}

// checkRules fails for a binding rule of a field that does not exist or does not suit it.
// The validator panics at such a rule, but not before it meets a value.
func (d *document) checkRules(in reflect.Type, field field) {
	defer func() {
		if cause := recover(); cause != nil {
			d.fail("the binding tag: %v", cause)
		}
	}()
	owner := in // or what it embeds
	for _, i := range field.Index[:len(field.Index)-1] {
		owner = pointee(owner.Field(i).Type)
	}
	parent := reflect.Zero(owner).Interface()
	_ = rules.StructPartial(parent) // parses every tag
	tryRules(parent, field)
}

// tryRules panics if a rule does not suit the type of its field. It tries each
// rule alone, because the validator stops at omitempty and at the first broken rule.
func tryRules(parent any, field field) {
	t, container := pointee(field.Type), pointee(field.Type)
	for rule := range strings.SplitSeq(field.Tag.Get("binding"), ",") {
		switch {
		case rule == "" || rule == "-" || t.Kind() == reflect.Interface:
			return
		case rule == "keys":
			t = pointee(container.Key())
			continue
		case rule == "endkeys":
			t = pointee(container.Elem())
			continue
		}
		sample := reflect.MakeSlice(reflect.SliceOf(t), 1, 1)
		switch t.Kind() { // a rule may read the first character or element
		case reflect.String:
			sample.Index(0).SetString("11111111")
		case reflect.Slice:
			sample.Index(0).Set(reflect.MakeSlice(t, 1, 1))
		}
		// In a list, because the validator ignores the rules of a struct that stands alone.
		_ = rules.VarWithValue(sample.Interface(), parent, "dive,"+rule)
		if rule == "dive" {
			container, t = t, pointee(t.Elem())
		}
	}
}

const maxExampleDepth = 4

var exampleTexts = map[string]string{
	"email":     "ada@example.com",
	"uuid":      "01900000-0000-7000-8000-000000000000",
	"uri":       "https://example.com/",
	"date-time": "2030-01-02T03:04:05Z",
	"date":      "2030-01-02",
	"time":      "03:04:05Z",
}

// example returns a value that a schema allows. OpenAPI's tools send it when somebody
// tries a route. depth is a limit for a type that contains itself.
func (d *document) example(schema object, depth int) any {
	if depth < -maxExampleDepth { // a list of itself
		return nil
	}
	for _, keyword := range []string{"examples", "enum"} {
		if values := reflect.ValueOf(schema[keyword]); values.IsValid() {
			return values.Index(0).Interface()
		}
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
