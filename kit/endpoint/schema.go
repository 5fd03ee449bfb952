package endpoint

import (
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"maps"
	"mime/multipart"
	"reflect"
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

// described is a type that describes itself in the document.
type described interface{ JSONSchemaBytes() ([]byte, error) }

// ownJSON are the interfaces of types that read or write their own JSON.
var ownJSON = map[string][]reflect.Type{
	asInput:  {reflect.TypeFor[jsonv2.UnmarshalerFrom](), reflect.TypeFor[jsonv2.Unmarshaler]()},
	asAnswer: {reflect.TypeFor[jsonv2.MarshalerTo](), reflect.TypeFor[jsonv2.Marshaler]()},
}

// ownText are the interfaces of types that read or write their own text.
var ownText = map[string][]reflect.Type{
	asInput:  {reflect.TypeFor[encoding.TextUnmarshaler]()},
	asAnswer: {reflect.TypeFor[encoding.TextMarshaler]()},
}

// hasMethod reports whether a type, or a pointer to it, has one of the interfaces.
func hasMethod(t reflect.Type, interfaces []reflect.Type) bool {
	return slices.ContainsFunc(interfaces, reflect.PointerTo(t).Implements)
}

var wellKnown = map[reflect.Type]object{
	reflect.TypeFor[*multipart.FileHeader](): {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}, // its format is for OpenAPI 3.0
	reflect.TypeFor[[]byte]():                {"type": "string", "format": "base64"},
	reflect.TypeFor[time.Time]():             {"type": "string", "format": "date-time"},
	reflect.TypeFor[uuid.UUID]():             {"type": "string", "format": "uuid", "examples": []any{"01900000-0000-7000-8000-000000000000"}},
}

// describe returns the schema of a type, and adds a component for each struct in it. It
// fails for a type that JSON cannot represent.
func (d *document) describe(t reflect.Type, role string) object {
	if own, ok := reflect.New(t).Interface().(described); ok {
		schema := object{}
		text, err := own.JSONSchemaBytes()
		if err := errors.Join(err, json.Unmarshal(text, &schema)); err != nil {
			d.fail("its schema: %w", err)
		}
		return schema
	}
	known, isKnown := wellKnown[t]
	switch {
	case isKnown:
		return maps.Clone(known)
	case hasMethod(t, ownJSON[role]) && t.Kind() == reflect.Struct: // only the type knows its members
		return d.component(typeName(t), typeUse{t, role}, func() object { return object{"type": "object"} })
	case hasMethod(t, ownJSON[role]):
		return object{}
	case hasMethod(t, ownText[role]):
		return object{"type": "string"}
	case t.Kind() == reflect.Struct:
		return d.component(typeName(t), typeUse{t, role}, func() object { return d.structure(t, role) })
	case slices.Contains(containers, t.Kind()): // the same in both roles
		return d.component(typeName(t), typeUse{t, "a container"}, func() object { return d.container(t, role) })
	}
	return d.scalar(t, role)
}

// component adds a schema to the components, if it has a name, and returns its reference.
func (d *document) component(name string, use typeUse, describe func() object) object {
	other, taken := d.names[name]
	switch {
	case name == "":
		return describe()
	case taken && other != use:
		d.fail("%v (%s) and %v (%s) would both be called %s: rename one", other.goType, other.role, use.goType, use.role, name)
	case !taken:
		d.names[name] = use // before its schema, which may contain it
		d.components[name] = describe()
	}
	return object{"$ref": schemas + name}
}

func (d *document) structure(t reflect.Type, role string) object {
	// Decoding an empty object checks the tags of all members.
	if err := jsonv2.Unmarshal([]byte("{}"), reflect.New(t).Interface()); err != nil {
		d.fail("%v cannot be JSON: %w", t, err)
	}
	return d.object(t, jsonFields(t), role, false, func(field) bool { return role == asInput })
}

// object describes fields of a struct as the members of an object. Only an input that is
// not open refuses other members.
func (d *document) object(in reflect.Type, fields []field, role string, open bool, nullable func(field) bool) object {
	schema, properties, required := object{"type": "object"}, object{}, []string{}
	for _, field := range fields {
		property, needed := d.field(in, field, role)
		if needed {
			required = append(required, field.name)
		} else if nullable(field) {
			property = object{"anyOf": []object{property, {"type": "null"}}}
		}
		properties[field.name] = property
	}
	if role == asInput {
		schema["additionalProperties"] = open
	}
	put(schema, "properties", properties)
	put(schema, "required", required)
	return schema
}

// put puts a list or a map into an object, if it is not empty.
func put[Value []string | []object | object](into object, name string, value Value) {
	if len(value) > 0 {
		into[name] = value
	}
}

var containers = []reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map}

func (d *document) container(t reflect.Type, role string) object {
	element := d.describe(t.Elem(), role)
	switch t.Kind() {
	case reflect.Pointer:
		kind, isSimple := element["type"].(string)
		switch {
		case role == asInput: // null depends on the field
		case isSimple && element["enum"] == nil:
			element["type"] = []string{"null", kind}
		default:
			return object{"anyOf": []object{element, {"type": "null"}}}
		}
		return element
	case reflect.Map:
		oneKey := reflect.MakeMap(reflect.MapOf(t.Key(), reflect.TypeFor[bool]()))
		oneKey.SetMapIndex(reflect.Zero(t.Key()), reflect.ValueOf(true))
		if _, err := jsonv2.Marshal(oneKey.Interface()); err != nil {
			d.fail("a %v is not a value of JSON: %w", oneKey.Type(), err)
		}
		return object{"type": "object", "additionalProperties": element}
	}
	return object{"type": "array", "items": element}
}

func (d *document) scalar(t reflect.Type, role string) object {
	zero := reflect.Zero(t)
	switch kind := t.Kind(); {
	case t == reflect.TypeFor[time.Duration]():
		d.fail("a %v is not a value of JSON: use whole seconds as an int", t)
	case kind == reflect.Interface && role == asInput && t.NumMethod() > 0:
		d.fail("%v is an interface, and JSON does not say its type", t)
	case kind == reflect.Bool:
		return object{"type": "boolean"}
	case kind == reflect.String:
		return object{"type": "string"}
	case zero.CanInt():
		return object{"type": "integer"}
	case zero.CanUint():
		return object{"type": "integer", "minimum": 0.0}
	case zero.CanFloat():
		return object{"type": "number"}
	case kind != reflect.Interface:
		d.fail("a %v is not a value of JSON", t)
	}
	return object{}
}

// jsonFields returns the members that a struct has in JSON.
func jsonFields(t reflect.Type) (members []field) {
	var member []int // the last embedded struct that is a member itself
	for _, found := range reflect.VisibleFields(t) {
		inside := member != nil && len(found.Index) > len(member) && slices.Equal(found.Index[:len(member)], member)
		if inside || isEmbedded(found) || found.Tag.Get(tagJSON) == "-" || !found.IsExported() {
			continue
		}
		if found.Anonymous {
			member = found.Index
		}
		members = append(members, field{jsonName(found), found})
	}
	return members
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get(tagJSON), ",")
	return cmp.Or(name, field.Name)
}

// isEmbedded reports whether the members of a field are members of its struct.
func isEmbedded(field reflect.StructField) bool {
	return field.Anonymous && strings.Split(field.Tag.Get(tagJSON), ",")[0] == "" && pointee(field.Type).Kind() == reflect.Struct
}

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
