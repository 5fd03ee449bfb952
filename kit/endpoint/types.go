package endpoint

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// methods are the interfaces of types that read or write their own JSON.
var methods = map[string][]reflect.Type{
	asInput: {
		reflect.TypeFor[json.UnmarshalerFrom](), reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	},
	asAnswer: {
		reflect.TypeFor[json.MarshalerTo](), reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	},
}

// visited are the types that were checked already. A type may contain itself.
type visited map[reflect.Type]bool

// typeCheck checks the types of inputs or of answers, and reserves the names of structs.
type typeCheck struct {
	visited
	names names
}

// check returns an error that names a type which JSON cannot represent. It looks
// into containers, and tries the encoder on everything else.
func (c typeCheck) check(what typeUse) error {
	t := what.goType
	if c.visited[t] {
		return nil
	}
	c.visited[t] = true
	if hasMethod(t, what.role) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return c.check(typeUse{t.Elem(), what.role})
	case reflect.Map:
		oneKey := reflect.MakeMap(reflect.MapOf(t.Key(), reflect.TypeFor[bool]()))
		oneKey.SetMapIndex(reflect.Zero(t.Key()), reflect.ValueOf(true))
		if err := checkEncoding(oneKey); err != nil {
			return err
		}
		return c.check(typeUse{t.Elem(), what.role})
	case reflect.Struct:
		return errors.Join(c.names.reserve(typeName(t), what), c.checkFields(what))
	case reflect.Interface:
		if what.role == asInput && t.NumMethod() > 0 {
			return fmt.Errorf("%v is an interface, and JSON does not say its type", t)
		}
		return nil
	}
	if t == reflect.TypeFor[time.Duration]() {
		return fmt.Errorf("a %v is not a value of JSON: use whole seconds as an int", t)
	}
	return checkEncoding(reflect.Zero(t))
}

// hasMethod reports whether a type reads or writes its own JSON.
func hasMethod(t reflect.Type, role string) bool {
	return slices.ContainsFunc(methods[role], func(method reflect.Type) bool {
		return t.Implements(method) || reflect.PointerTo(t).Implements(method)
	})
}

func (c typeCheck) checkFields(what typeUse) error {
	for i := range what.goType.NumField() {
		field := what.goType.Field(i)
		if field.Tag.Get(tagJSON) == "-" || !field.IsExported() && !field.Anonymous {
			continue
		}
		check := c.check
		if name, _, _ := strings.Cut(field.Tag.Get(tagJSON), ","); field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct {
			check = c.checkFields // its fields are members of this struct
		}
		if err := check(typeUse{field.Type, what.role}); err != nil {
			return fmt.Errorf("%v.%s: %w", what.goType, field.Name, err)
		}
	}
	// Decoding an empty object checks the tags of all members.
	if err := json.Unmarshal([]byte("{}"), reflect.New(what.goType).Interface()); err != nil {
		return fmt.Errorf("%v cannot be JSON: %w", what.goType, err)
	}
	return nil
}

func checkEncoding(value reflect.Value) error {
	if _, err := json.Marshal(value.Interface()); err != nil {
		return fmt.Errorf("a %v is not a value of JSON: %w", value.Type(), err)
	}
	return nil
}
