package endpoint

import (
	"encoding"
	"fmt"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
)

// methods are what a type reads or writes itself as JSON with.
var methods = map[string][]reflect.Type{
	asInput: {
		reflect.TypeFor[json.UnmarshalerFrom](), reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	},
	asAnswer: {
		reflect.TypeFor[json.MarshalerTo](), reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	},
}

// types are those that a walk has seen.
type types map[reflect.Type]bool

// check says which type within what JSON cannot be. What holds JSON of others is
// looked into; of the rest, the encoder is the judge.
func (seen types) check(what use) error {
	t := what.of
	if seen[t] {
		return nil
	}
	seen[t] = true
	for _, method := range methods[what.as] {
		if t.Implements(method) || reflect.PointerTo(t).Implements(method) {
			return nil
		}
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return seen.check(use{t.Elem(), what.as})
	case reflect.Map:
		if err := written(mapOf(t.Key())); err != nil {
			return err
		}
		return seen.check(use{t.Elem(), what.as})
	case reflect.Struct:
		return seen.checkFields(what)
	case reflect.Interface:
		if what.as == asInput && t.NumMethod() > 0 {
			return fmt.Errorf("%v is an interface, of which JSON does not say the type", t)
		}
		return nil
	}
	if t == reflect.TypeFor[time.Duration]() {
		return fmt.Errorf("a %v is not a value of JSON: use whole seconds as an int", t)
	}
	return written(reflect.Zero(t))
}

func (seen types) checkFields(what use) error {
	for i := range what.of.NumField() {
		field := what.of.Field(i)
		if field.Tag.Get(tagJSON) == "-" || !field.IsExported() && !field.Anonymous {
			continue
		}
		if err := seen.check(use{field.Type, what.as}); err != nil {
			return fmt.Errorf("%v.%s: %w", what.of, field.Name, err)
		}
	}
	// Its tags are read with the first value, even with one that has no member.
	if err := json.Unmarshal([]byte("{}"), reflect.New(what.of).Interface()); err != nil {
		return fmt.Errorf("%v cannot be JSON: %w", what.of, err)
	}
	return nil
}

// mapOf is a map with one key of type t.
func mapOf(t reflect.Type) reflect.Value {
	one := reflect.MakeMap(reflect.MapOf(t, reflect.TypeFor[bool]()))
	one.SetMapIndex(reflect.Zero(t), reflect.ValueOf(true))
	return one
}

func written(value reflect.Value) error {
	if _, err := json.Marshal(value.Interface()); err != nil {
		return fmt.Errorf("a %v is not a value of JSON: %w", value.Type(), err)
	}
	return nil
}
