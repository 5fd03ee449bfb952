package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/swaggest/jsonschema-go"
)

// typeUse is a type as an input or as an answer. Only an input has rules, so a type
// with both roles would need two schemas with the same name.
type typeUse struct {
	goType reflect.Type
	role   string
}

const (
	asInput  = "an input"
	asAnswer = "an answer"
)

// names are the names of components, each with its type.
type names map[string]typeUse

// reserve reserves a name for a type. The empty name is of types that have none.
func (n names) reserve(name string, by typeUse) error {
	other, taken := n[name]
	if taken && other != by && name != "" {
		return fmt.Errorf("%v (%s) and %v (%s) would both be called %s: rename one", other.goType, other.role, by.goType, by.role, name)
	}
	n[name] = by
	return nil
}

// field describes a field of an input with its rules.
func (d *document) field(field reflect.StructField) (schema object, required bool, err error) {
	if isFile(field.Type) {
		schema = fileSchema(field.Type)
		return schema, addRules(schema, field), nil
	}
	schema, err = d.describe(typeUse{pointee(field.Type), asInput})
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", field.Name, err)
	}
	if text, ok := field.Tag.Lookup(exampleTag); ok {
		var given any = text
		if pointee(field.Type).Kind() != reflect.String {
			err = json.Unmarshal([]byte(text), &given)
		}
		if err != nil {
			return nil, false, fmt.Errorf("%s: the tag %s is not JSON: %w", field.Name, exampleTag, err)
		}
		schema["examples"] = []any{given}
	}
	return schema, addRules(schema, field), nil
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
	suffix := sizeKeyword(pointee(field.Type))
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
			schema["min"+suffix] = number
		case "max", "lte":
			schema["max"+suffix] = number
		}
	}
	if required && suffix == "Length" && schema["minLength"] == nil && schema["enum"] == nil {
		schema["minLength"] = 1 // "required" refuses an empty string
	}
	return required
}

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
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

// describe returns the schema of a type, and adds a component for each struct in it.
func (d *document) describe(what typeUse) (object, error) {
	if known, ok := d.described[what]; ok {
		return maps.Clone(known), nil
	}
	var nameErr error
	described, err := d.reflector.Reflect(reflect.New(what.goType).Elem().Interface(),
		jsonschema.DefinitionsPrefix(schemas),
		jsonschema.RootRef,
		jsonschema.InterceptDefName(func(t reflect.Type, _ string) string {
			name, by := typeName(t), what
			if hasOwnSchema(t) {
				d.reflector.InlineDefinition(reflect.Zero(t).Interface())
				return name
			}
			if by.goType = t; t.Kind() != reflect.Struct {
				by.role = "a scalar" // the same schema in both roles
			}
			if nameErr == nil {
				nameErr = d.names.reserve(name, by)
			}
			return name
		}),
		jsonschema.InterceptProp(func(p jsonschema.InterceptPropParams) error {
			required := !strings.Contains(p.Field.Tag.Get(tagJSON), ",omit")
			if !p.Processed {
				return nil
			}
			if what.role == asInput {
				property := p.PropertySchema.ToSchemaOrBool()
				schema, err := property.ToSimpleMap()
				if err != nil {
					return err
				}
				if required = addRules(schema, p.Field); !required {
					schema = object{"anyOf": []any{schema, object{"type": "null"}}}
					*property.TypeObjectEns() = jsonschema.Schema{}
				}
				if err := property.FromSimpleMap(schema); err != nil {
					return err
				}
				p.ParentSchema.WithAdditionalProperties(jsonschema.SchemaOrBool{TypeBoolean: new(false)})
			}
			if required {
				p.ParentSchema.Required = append(p.ParentSchema.Required, p.Name)
			}
			return nil
		}),
		jsonschema.InterceptNullability(func(p jsonschema.InterceptNullabilityParams) {
			empty, ok := map[reflect.Kind]jsonschema.SimpleType{reflect.Slice: jsonschema.Array, reflect.Map: jsonschema.Object}[p.Type.Kind()]
			if p.NullAdded && ok { // nil is written as [] or {}
				never := empty.Type()
				p.Schema.Type = &never
			}
		}),
		jsonschema.CollectDefinitions(func(name string, schema jsonschema.Schema) { d.components[name] = schema }),
	)
	if err := errors.Join(err, nameErr); err != nil {
		return nil, err
	}
	schema, err := described.ToSchemaOrBool().ToSimpleMap()
	d.described[what] = maps.Clone(schema)
	return schema, err
}

// hasOwnSchema reports whether a scalar type defines its own schema, which is
// written where it is used instead of among the components.
func hasOwnSchema(t reflect.Type) bool {
	return t.Kind() != reflect.Struct && t.Implements(reflect.TypeFor[jsonschema.RawExposer]())
}

// uuidSchema describes a UUID, because its type has no schema.
type uuidSchema string

// JSONSchemaBytes is the schema of a UUID.
func (uuidSchema) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","format":"uuid","examples":["01900000-0000-7000-8000-000000000000"]}`), nil
}

var genericName = regexp.MustCompile(`^(\w+)\[.*?(\w+)\]$`)

// typeName is a type's name without its package. List[Note] becomes NoteList.
func typeName(t reflect.Type) string {
	return genericName.ReplaceAllString(t.Name(), "$2$1")
}
