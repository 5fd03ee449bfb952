package endpoint

import (
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
		schema["examples"] = []any{d.given(text, field.Type)}
	}
	return schema, required
}

func (d *document) given(text string, t reflect.Type) (value any) {
	if pointee(t).Kind() == reflect.String {
		return text
	}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		d.fail("the tag %s is not JSON: %w", exampleTag, err)
	}
	return value
}

// addRules adds the rules of a field's binding tag to its schema, as far as JSON
// Schema can express them. It reports whether the field is required.
func addRules(schema object, field field) (required bool) {
	size := sizeKeyword(pointee(field.Type))
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

// sizeKeyword is the second half of JSON Schema's keywords for limits: minLength,
// minItems or minimum.
func sizeKeyword(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "Length"
	case reflect.Slice, reflect.Array:
		return "Items"
	}
	return "imum"
}

// isRequired reports whether a binding tag requires its field.
func isRequired(field field) bool {
	own, _, _ := strings.Cut(field.Tag.Get("binding"), "dive")
	return slices.Contains(strings.Split(own, ","), "required")
}
