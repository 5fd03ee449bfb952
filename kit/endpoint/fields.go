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
func (d *document) field(in reflect.Type, field field, role string) (schema object, required bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%v.%s: %w", in, field.Name, err)
		}
	}()
	if err := checkRules(in, field.StructField); err != nil {
		return nil, false, err
	}
	if isFile(field.Type) {
		schema = fileSchema(field.Type)
	} else if schema, err = d.describe(field.Type, role); err != nil {
		return nil, false, err
	}
	required = addRules(schema, field.StructField)
	if role == asAnswer {
		required = !strings.Contains(field.Tag.Get(tagJSON), ",omit")
	}
	return schema, required, addExample(schema, field)
}

func addExample(schema object, field field) error {
	text, ok := field.Tag.Lookup(exampleTag)
	if !ok {
		return nil
	}
	var given any = text
	if pointee(field.Type).Kind() != reflect.String {
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			return fmt.Errorf("the tag %s is not JSON: %w", exampleTag, err)
		}
	}
	schema["examples"] = []any{given}
	return nil
}

// fileSchema describes a file, or a list of files. OpenAPI 3.0 recognizes a file by
// its format, OpenAPI 3.1 by its media type.
func fileSchema(t reflect.Type) object {
	file := object{"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
	if t.Kind() == reflect.Slice {
		return object{"type": "array", "items": file}
	}
	return file
}

// addRules adds the rules of a field's binding tag to its schema, as far as JSON
// Schema can express them. It reports whether the field is required.
func addRules(schema object, field reflect.StructField) (required bool) {
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
