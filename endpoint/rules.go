package endpoint

import (
	"fmt"
	"reflect"
	"strings"
)

// checkRules says which binding rule of a struct, or of one inside it, is not
// known or does not suit its field. The engine panics at such a rule: once as it
// reads the tags, else as it meets a value.
func (seen types) checkRules(t reflect.Type) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	sample := reflect.New(t).Elem()
	if err := tried(func() { _ = rules.StructPartial(sample.Interface()) }); err != nil {
		return fmt.Errorf("%v: %w", t, err)
	}
	fill(sample)
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() && !field.Anonymous {
			continue
		}
		if field.Tag.Get("binding") != "" {
			if err := tried(func() { _ = rules.StructPartial(sample.Interface(), field.Name) }); err != nil {
				return fmt.Errorf("%v.%s: %w", t, field.Name, err)
			}
		}
		if err := seen.checkRules(field.Type); err != nil {
			return err
		}
	}
	return nil
}

func tried(validate func()) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the binding tag: %v", cause)
		}
	}()
	validate()
	return nil
}

// fill gives each field of a struct a value that omitempty does not pass over.
func fill(value reflect.Value) {
	for i := range value.NumField() {
		field := value.Field(i)
		if !field.CanSet() {
			continue
		}
		if fillOne(field); field.Kind() == reflect.Pointer {
			for field.Kind() == reflect.Pointer {
				field.Set(reflect.New(field.Type().Elem()))
				field = field.Elem()
			}
			fillOne(field)
		}
	}
}

func fillOne(field reflect.Value) {
	switch {
	case field.Kind() == reflect.String:
		field.SetString(strings.Repeat("1", 8))
	case field.Kind() == reflect.Bool:
		field.SetBool(true)
	case field.CanInt():
		field.SetInt(1)
	case field.CanUint():
		field.SetUint(1)
	case field.CanFloat():
		field.SetFloat(1)
	case field.Kind() == reflect.Slice:
		field.Set(reflect.MakeSlice(field.Type(), 1, 1))
	case field.Kind() == reflect.Map:
		field.Set(reflect.MakeMap(field.Type()))
		field.SetMapIndex(reflect.Zero(field.Type().Key()), reflect.Zero(field.Type().Elem()))
	}
}
