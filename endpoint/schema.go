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

// use is a type in one of its parts. An input has rules that an answer has not,
// so one type in both parts would be two schemas of one name.
type use struct {
	of reflect.Type
	as string
}

const (
	asInput  = "an input"
	asAnswer = "an answer"
)

// claim takes the name of a component for a type.
func (d *document) claim(name string, by use) error {
	other, taken := d.uses[name]
	if taken && other != by {
		return fmt.Errorf("%v (%s) and %v (%s) would both be called %s: rename one", other.of, other.as, by.of, by.as, name)
	}
	d.uses[name] = by
	return nil
}

// field describes an input's field with its rules.
func (d *document) field(field reflect.StructField) (schema object, required bool, err error) {
	if isFile(field.Type) {
		schema = fileSchema(field.Type)
		return schema, addRules(schema, field), nil
	}
	schema, err = d.describe(use{pointee(field.Type), asInput})
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", field.Name, err)
	}
	return schema, addRules(schema, field), nil
}

// fileSchema describes a file, or a list of them. Readers of OpenAPI 3.0 know a
// file by its format, those of 3.1 by its media type.
func fileSchema(t reflect.Type) object {
	file := object{"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
	if t.Kind() == reflect.Slice {
		return object{"type": "array", "items": file}
	}
	return file
}

// addRules says in a schema what the binding tag of its field does, as far as
// JSON Schema can say it, and reports whether the field is required.
func addRules(schema object, field reflect.StructField) (required bool) {
	of := pointee(field.Type)
	for _, rule := range strings.Split(field.Tag.Get("binding"), ",") {
		name, value, _ := strings.Cut(rule, "=")
		number, _ := strconv.ParseFloat(value, 64)
		switch suffix := lengthOf(of); name {
		case "required":
			required = true
		case "dive":
			return required // what follows is about the items
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
	if required && lengthOf(of) == "Length" && schema["minLength"] == nil && schema["enum"] == nil {
		schema["minLength"] = 1 // Gin takes an empty word for a missing one
	}
	return required
}

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// lengthOf is how JSON Schema calls the size of a type's values.
func lengthOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "Length"
	case reflect.Slice, reflect.Array:
		return "Items"
	}
	return "imum"
}

// describe gives the schema of a type, and makes a component of each struct in it.
func (d *document) describe(what use) (object, error) {
	if known, ok := d.described[what]; ok {
		return maps.Clone(known), nil
	}
	if err := (types{}).check(what); err != nil {
		return nil, err
	}
	var taken error
	described, err := d.reflector.Reflect(reflect.New(what.of).Elem().Interface(),
		jsonschema.DefinitionsPrefix(schemas),
		jsonschema.RootRef,
		jsonschema.InterceptDefName(func(t reflect.Type, _ string) string {
			name, by := typeName(t), what
			if describesItself(t) {
				d.reflector.InlineDefinition(reflect.Zero(t).Interface())
				return name
			}
			if by.of = t; t.Kind() != reflect.Struct {
				by.as = "a word" // the same in both parts
			}
			if taken == nil {
				taken = d.claim(name, by)
			}
			return name
		}),
		jsonschema.InterceptProp(func(p jsonschema.InterceptPropParams) error {
			required := !strings.Contains(p.Field.Tag.Get(tagJSON), ",omit")
			if !p.Processed {
				return nil
			}
			if what.as == asInput {
				schema, err := toObject(p.PropertySchema)
				if err != nil {
					return err
				}
				required = addRules(schema, p.Field)
				text, err := json.Marshal(schema)
				if err := errors.Join(err, p.PropertySchema.UnmarshalJSON(text)); err != nil {
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
			if p.NullAdded && p.Type.Kind() == reflect.Slice { // written as [], never as null
				list := jsonschema.Array.Type()
				p.Schema.Type = &list
			}
		}),
		jsonschema.CollectDefinitions(func(name string, schema jsonschema.Schema) { d.components[name] = schema }),
	)
	if err := errors.Join(err, taken); err != nil {
		return nil, err
	}
	schema, err := toObject(&described)
	d.described[what] = maps.Clone(schema)
	return schema, err
}

// describesItself reports whether a type is a word with a schema of its own,
// which stands where it is used instead of among the components.
func describesItself(t reflect.Type) bool {
	return t.Kind() != reflect.Struct && t.Implements(reflect.TypeFor[jsonschema.RawExposer]())
}

// uuidSchema describes a UUID, whose type cannot do so itself.
type uuidSchema string

// JSONSchemaBytes is the schema of a UUID.
func (uuidSchema) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","format":"uuid","examples":["01900000-0000-7000-8000-000000000000"]}`), nil
}

func toObject(schema *jsonschema.Schema) (object, error) {
	text, err := schema.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var made object
	err = json.Unmarshal(text, &made)
	return made, err
}

var generic = regexp.MustCompile(`^(\w+)\[.*?(\w+)\]$`)

// typeName is a type's name without its package; a List[Note] is a NoteList.
func typeName(t reflect.Type) string {
	return generic.ReplaceAllString(t.Name(), "$2$1")
}
