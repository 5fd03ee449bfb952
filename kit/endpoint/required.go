package endpoint

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"
)

// For the validator, "required" refuses the zero value of a type. Here it asks whether
// a value was sent: 0, false, an empty object and the year 1 are values. Only an empty
// string counts as missing, as in the document (minLength).

// sentZero is a zero value that was sent.
type sentZero struct {
	parent reflect.Value // the struct that its rules may refer to
	rules  string        // its binding tag
}

var neverZero = []reflect.Kind{reflect.Invalid, reflect.String, reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface}

// sent records a value that was sent, if the validator would take it for a missing one.
func (e *fieldErrors) sent(name []byte, rules string, parent, value reflect.Value) {
	if !strings.Contains(rules, "required") || slices.Contains(neverZero, value.Kind()) || !value.IsZero() {
		return
	}
	if e.zeros == nil {
		e.zeros = map[string]sentZero{}
	}
	e.zeros[string(name)] = sentZero{parent, rules}
}

// sentField is sent for a field that is not in a JSON body, and for its items.
func (e *fieldErrors) sentField(tag string, in reflect.Value, field field) {
	name, _, _ := strings.Cut(field.Tag.Get(tag), ",")
	rules, value := field.Tag.Get("binding"), in.FieldByIndex(field.Index)
	e.sent([]byte(name), rules, in, value)
	if isList(field.Type) {
		rules = rulesOfItems(rules)
		for i := range value.Len() {
			e.sent(fmt.Appendf(nil, "%s[%d]", name, i), rules, in, value.Index(i))
		}
	}
}

// wasSent reports whether a rule refuses a value as missing that was sent.
func (e *fieldErrors) wasSent(in reflect.Value, rule validator.FieldError, name string) (sentZero, bool) {
	if !strings.HasPrefix(rule.Tag(), "required") || slices.Contains(neverZero, rule.Kind()) {
		return sentZero{}, false
	}
	if e.body != nil {
		finder := zeroFinder{e, jsontext.NewDecoder(bytes.NewBuffer(e.body)), map[reflect.Type]map[string]reflect.StructField{}}
		e.body = nil
		finder.walk(in, in, make([]byte, 0, maxPointer), "")
	}
	zero, found := e.zeros[name]
	return zero, found
}

// zeroFinder reads a body again, next to the value that was made of it.
type zeroFinder struct {
	*fieldErrors
	decoder *jsontext.Decoder
	fields  map[reflect.Type]map[string]reflect.StructField
}

// walk reads a value of the body. It is invalid if the body does not fit the type. The
// body was parsed before, so it has no errors.
func (z zeroFinder) walk(parent, value reflect.Value, name []byte, rules string) {
	kind := z.decoder.PeekKind()
	if kind != 'n' {
		z.sent(name, rules, parent, value)
	}
	for value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	list := kind == '[' && (value.Kind() == reflect.Slice || value.Kind() == reflect.Array)
	object := kind == '{' && (value.Kind() == reflect.Map || value.Kind() == reflect.Struct)
	if !list && !object || hasMethod(value.Type(), ownJSON[asInput]) || hasMethod(value.Type(), ownText[asInput]) {
		_ = z.decoder.SkipValue()
		return
	}
	_, _ = z.decoder.ReadToken()
	switch value.Kind() {
	case reflect.Struct:
		z.members(value, name)
	case reflect.Map:
		z.entries(parent, value, name, rulesOfItems(rules))
	default:
		z.items(parent, value, name, rulesOfItems(rules))
	}
	_, _ = z.decoder.ReadToken()
}

func (z zeroFinder) items(parent, list reflect.Value, name []byte, rules string) {
	for i := 0; z.decoder.PeekKind() != ']'; i++ {
		var item reflect.Value
		if i < list.Len() {
			item = list.Index(i)
		}
		z.walk(parent, item, fmt.Appendf(name, "[%d]", i), rules)
	}
}

func (z zeroFinder) entries(parent, entries reflect.Value, name []byte, rules string) {
	for z.decoder.PeekKind() != '}' {
		token, _ := z.decoder.ReadToken()
		var entry reflect.Value
		key := reflect.New(entries.Type().Key()).Elem()
		if setText(key, token.String()) == nil {
			entry = entries.MapIndex(key)
		}
		z.walk(parent, entry, fmt.Appendf(name, "[%v]", key), rules)
	}
}

func (z zeroFinder) members(object reflect.Value, name []byte) {
	fields := z.fieldsOf(object.Type())
	if len(name) > 0 {
		name = append(name, '.')
	}
	for z.decoder.PeekKind() != '}' {
		token, _ := z.decoder.ReadToken()
		var member reflect.Value
		field, known := fields[token.String()]
		if known {
			member, _ = object.FieldByIndexErr(field.Index)
		}
		z.walk(object, member, append(name, token.String()...), field.Tag.Get("binding"))
	}
}

// itemRules matches what is before the rules of the items of a list or a map.
var itemRules = regexp.MustCompile(`^.*?\bdive\b,?(keys,.*?endkeys,?)?|^.*`)

func rulesOfItems(rules string) string { return itemRules.ReplaceAllString(rules, "") }

// fieldsOf returns the fields of a struct by their JSON names.
func (z zeroFinder) fieldsOf(t reflect.Type) map[string]reflect.StructField {
	if z.fields[t] == nil {
		z.fields[t] = map[string]reflect.StructField{}
		for _, field := range jsonFields(t) {
			z.fields[t][field.name] = field.StructField
		}
	}
	return z.fields[t]
}
