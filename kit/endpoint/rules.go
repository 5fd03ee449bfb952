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
	t := pointee(field.Type)
	container := t
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
