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

var neverZero = []reflect.Kind{reflect.Invalid, reflect.String, reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface}

// sent records a value that was sent, if the validator would take it for a missing one,
// with the rules that it breaks as a pointer, which is never taken for one. Its rules may
// refer to its parent.
func (e *fieldErrors) sent(name []byte, tag string, parent, value reflect.Value) {
	if !strings.Contains(tag, "required") || slices.Contains(neverZero, value.Kind()) || !value.IsZero() {
		return
	}
	if e.zeros == nil {
		e.zeros = map[string]func() error{}
	}
	e.zeros[string(name)] = func() error {
		return rules.VarWithValue(reflect.New(value.Type()).Interface(), parent.Interface(), tag)
	}
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
func (e *fieldErrors) wasSent(in reflect.Value, rule validator.FieldError, name string) (broken func() error, sent bool) {
	if !strings.HasPrefix(rule.Tag(), "required") || slices.Contains(neverZero, rule.Kind()) {
		return nil, false
	}
	if e.body != nil {
		finder := zeroFinder{e, jsontext.NewDecoder(bytes.NewBuffer(e.body)), map[reflect.Type]map[string]field{}}
		e.body = nil
		finder.walk(in, in, make([]byte, 0, maxPointer), "")
	}
	broken, sent = e.zeros[name]
	return broken, sent
}

// zeroFinder reads a body again, next to the value that was made of it. The body was
// parsed before. If it does not fit the value, the request is refused for that.
type zeroFinder struct {
	*fieldErrors
	*jsontext.Decoder
	members map[reflect.Type]map[string]field
}

func (z zeroFinder) walk(parent, value reflect.Value, name []byte, rules string) {
	kind := z.PeekKind()
	if kind != 'n' {
		z.sent(bytes.TrimPrefix(name, []byte(".")), rules, parent, value)
	}
	for value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	list := kind == '[' && (value.Kind() == reflect.Slice || value.Kind() == reflect.Array)
	object := kind == '{' && (value.Kind() == reflect.Map || value.Kind() == reflect.Struct)
	if !list && !object || readsItself(value.Type()) {
		_ = z.SkipValue()
		return
	}
	_, _ = z.ReadToken()
	items := rulesOfItems(rules)
	for i := 0; z.PeekKind() != ']' && z.PeekKind() != '}'; i++ {
		switch {
		case value.Kind() == reflect.Struct:
			name, field, member := z.member(value, name)
			z.walk(value, member, name, field.Tag.Get("binding"))
		case object:
			token, _ := z.ReadToken()
			key := reflect.New(value.Type().Key()).Elem()
			_ = setText(key, token.String())
			z.walk(parent, value.MapIndex(key), fmt.Appendf(name, "[%v]", key), items)
		case i < value.Len():
			z.walk(parent, value.Index(i), fmt.Appendf(name, "[%d]", i), items)
		default:
			_ = z.SkipValue()
		}
	}
	_, _ = z.ReadToken()
}

// member reads the name of a member of a struct.
func (z zeroFinder) member(in reflect.Value, name []byte) ([]byte, field, reflect.Value) {
	t := in.Type()
	if z.members[t] == nil {
		z.members[t] = map[string]field{}
		for _, field := range jsonFields(t) {
			z.members[t][field.name] = field
		}
	}
	token, _ := z.ReadToken()
	field, known := z.members[t][token.String()]
	var member reflect.Value
	if known {
		member, _ = in.FieldByIndexErr(field.Index)
	}
	return fmt.Appendf(name, ".%s", token), field, member
}

// itemRules matches what is before the rules of the items of a list or a map.
var itemRules = regexp.MustCompile(`^.*?\bdive\b,?(keys,.*?endkeys,?)?|^.*`)

func rulesOfItems(rules string) string { return itemRules.ReplaceAllString(rules, "") }
