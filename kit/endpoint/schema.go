package endpoint

import (
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/gofrs/uuid/v5"
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

// described is a type with its own words for the document.
type described interface{ JSONSchemaBytes() ([]byte, error) }

// ownJSON and ownText are the interfaces of types that read or write their own JSON.
var (
	ownJSON = map[string][]reflect.Type{
		asInput:  {reflect.TypeFor[jsonv2.UnmarshalerFrom](), reflect.TypeFor[jsonv2.Unmarshaler]()},
		asAnswer: {reflect.TypeFor[jsonv2.MarshalerTo](), reflect.TypeFor[jsonv2.Marshaler]()},
	}
	ownText = map[string][]reflect.Type{
		asInput:  {reflect.TypeFor[encoding.TextUnmarshaler]()},
		asAnswer: {reflect.TypeFor[encoding.TextMarshaler]()},
	}
)

// hasMethod reports whether a type, or a pointer to it, has one of the interfaces.
func hasMethod(t reflect.Type, interfaces []reflect.Type) bool {
	return slices.ContainsFunc(interfaces, reflect.PointerTo(t).Implements)
}

var wellKnown = map[reflect.Type]object{
	reflect.TypeFor[[]byte]():    {"type": "string", "format": "base64"},
	reflect.TypeFor[time.Time](): {"type": "string", "format": "date-time"},
	reflect.TypeFor[uuid.UUID](): {"type": "string", "format": "uuid", "examples": []any{"01900000-0000-7000-8000-000000000000"}},
}

// describe returns the schema of a type, and adds a component for each struct in it. Its
// error names a type that JSON cannot represent.
func (d *document) describe(t reflect.Type, role string) (object, error) {
	if own, ok := reflect.New(t).Interface().(described); ok {
		schema := object{}
		text, err := own.JSONSchemaBytes()
		return schema, errors.Join(err, json.Unmarshal(text, &schema))
	}
	known, isKnown := wellKnown[t]
	isStruct := t.Kind() == reflect.Struct
	switch {
	case isKnown:
		return maps.Clone(known), nil
	case hasMethod(t, ownJSON[role]) && isStruct: // only the type knows its members
		return d.component(typeName(t), typeUse{t, role}, func() (object, error) { return object{"type": "object"}, nil })
	case hasMethod(t, ownJSON[role]):
		return object{}, nil
	case hasMethod(t, ownText[role]):
		return object{"type": "string"}, nil
	case isStruct:
		return d.component(typeName(t), typeUse{t, role}, func() (object, error) { return d.structure(t, role) })
	case slices.Contains(containers, t.Kind()): // the same in both roles
		return d.component(typeName(t), typeUse{t, "a container"}, func() (object, error) { return d.container(t, role) })
	case t == reflect.TypeFor[time.Duration]():
		return nil, fmt.Errorf("a %v is not a value of JSON: use whole seconds as an int", t)
	}
	return d.scalar(t, role)
}

// component adds a schema to the components, if it has a name, and returns its reference.
func (d *document) component(name string, use typeUse, describe func() (object, error)) (object, error) {
	if name == "" {
		return describe()
	}
	reference := object{"$ref": schemas + name}
	if other, taken := d.names[name]; taken && other == use {
		return reference, nil
	} else if taken {
		return nil, fmt.Errorf("%v (%s) and %v (%s) would both be called %s: rename one", other.goType, other.role, use.goType, use.role, name)
	}
	d.names[name] = use // before its schema, which may contain it
	schema, err := describe()
	d.components[name] = schema
	return reference, err
}

func (d *document) structure(t reflect.Type, role string) (object, error) {
	// Decoding an empty object checks the tags of all members.
	if err := jsonv2.Unmarshal([]byte("{}"), reflect.New(t).Interface()); err != nil {
		return nil, fmt.Errorf("%v cannot be JSON: %w", t, err)
	}
	isInput := role == asInput
	schema, err := d.object(t, jsonFields(t), role, func(field) bool { return isInput })
	if isInput {
		schema["additionalProperties"] = false
	}
	return schema, err
}

// object describes fields of a struct as the members of an object.
func (d *document) object(in reflect.Type, fields []field, role string, nullable func(field) bool) (object, error) {
	properties, required := object{}, []string{}
	schema := object{"type": "object"}
	for _, field := range fields {
		property, needed, err := d.field(in, field, role)
		if err != nil {
			return schema, err
		}
		if needed {
			required = append(required, field.name)
		} else if nullable(field) {
			property = object{"anyOf": []object{property, {"type": "null"}}}
		}
		properties[field.name] = property
		schema["properties"] = properties
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema, nil
}

var containers = []reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map}

func (d *document) container(t reflect.Type, role string) (object, error) {
	element, err := d.describe(t.Elem(), role)
	switch t.Kind() {
	case reflect.Pointer:
		return orNull(element, role), err
	case reflect.Map:
		oneKey := reflect.MakeMap(reflect.MapOf(t.Key(), reflect.TypeFor[bool]()))
		oneKey.SetMapIndex(reflect.Zero(t.Key()), reflect.ValueOf(true))
		return object{"type": "object", "additionalProperties": element}, errors.Join(err, checkEncoding(oneKey))
	}
	return object{"type": "array", "items": element}, err
}

// orNull is the schema of a pointer. In an input, null depends on the field.
func orNull(schema object, role string) object {
	kind, isSimple := schema["type"].(string)
	switch {
	case role == asInput:
		return schema
	case isSimple && schema["enum"] == nil:
		schema["type"] = []string{"null", kind}
		return schema
	}
	return object{"anyOf": []object{schema, {"type": "null"}}}
}

func (d *document) scalar(t reflect.Type, role string) (object, error) {
	switch kind := t.Kind(); {
	case kind == reflect.Interface && role == asInput && t.NumMethod() > 0:
		return nil, fmt.Errorf("%v is an interface, and JSON does not say its type", t)
	case kind == reflect.Interface:
		return object{}, nil
	case kind == reflect.Bool:
		return object{"type": "boolean"}, nil
	case kind == reflect.String:
		return object{"type": "string"}, nil
	case reflect.Zero(t).CanInt():
		return object{"type": "integer"}, nil
	case reflect.Zero(t).CanUint():
		return object{"type": "integer", "minimum": 0.0}, nil
	case reflect.Zero(t).CanFloat():
		return object{"type": "number"}, nil
	}
	return nil, checkEncoding(reflect.Zero(t))
}

func checkEncoding(value reflect.Value) error {
	if _, err := jsonv2.Marshal(value.Interface()); err != nil {
		return fmt.Errorf("a %v is not a value of JSON: %w", value.Type(), err)
	}
	return nil
}

// jsonFields returns the members that a struct has in JSON.
func jsonFields(t reflect.Type) (members []field) {
	var member []int // the last embedded struct that is a member itself
	for _, found := range reflect.VisibleFields(t) {
		tag := found.Tag.Get(tagJSON)
		name, _, _ := strings.Cut(tag, ",")
		inside := member != nil && len(found.Index) > len(member) && slices.Equal(found.Index[:len(member)], member)
		embedded := found.Anonymous && name == "" && pointee(found.Type).Kind() == reflect.Struct
		if inside || embedded || tag == "-" || !found.IsExported() {
			continue
		}
		if found.Anonymous {
			member = found.Index
		}
		members = append(members, field{cmp.Or(name, found.Name), found})
	}
	return members
}

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

var genericName = regexp.MustCompile(`^(\w+)\[.*?(\w+)\]$`)

// typeName is a type's name without its package. List[Note] becomes NoteList.
func typeName(t reflect.Type) string {
	return genericName.ReplaceAllString(t.Name(), "$2$1")
}
