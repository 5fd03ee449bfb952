package endpoint

import (
	"reflect"
	"strings"
)

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
