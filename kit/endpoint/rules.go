package endpoint

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

var withElements = []reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map}

// checkRules reports a binding rule of a struct, or of a struct inside it, that
// does not exist or does not suit its field. The validator panics at such a rule,
// but not before it meets a value.
func (seen visited) checkRules(t reflect.Type) (err error) {
	for slices.Contains(withElements, t.Kind()) {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	where := t.String()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%s: the binding tag: %v", where, cause)
		}
	}()
	parent := reflect.Zero(t).Interface()
	_ = rules.StructPartial(parent) // parses every tag
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() && !field.Anonymous {
			continue
		}
		where = fmt.Sprintf("%v.%s", t, field.Name)
		tryRules(parent, field)
		if err := seen.checkRules(field.Type); err != nil {
			return err
		}
	}
	return nil
}

// tryRules panics if a rule does not suit the type of its field. It tries each
// rule alone, because the validator stops at omitempty and at the first broken rule.
func tryRules(parent any, field reflect.StructField) {
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
