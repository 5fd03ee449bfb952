package endpoint

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-playground/validator/v10"
)

// For the validator, "required" refuses the zero value of a type. Here it asks whether
// a value was sent: 0, false, an empty object and the year 1 are values. Only an empty
// string counts as missing, as in the document (minLength).

var neverZero = []reflect.Kind{reflect.Invalid, reflect.String, reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface}

// sentParameter notes a field that is not in a JSON body, with as many values as were sent.
func (e *fieldErrors) sentParameter(field field, values int) {
	if values == 0 || !strings.Contains(field.Tag.Get("binding"), "required") {
		return
	}
	if e.sent == nil {
		e.sent = map[string]any{}
	}
	e.sent[jsonName(field.StructField)] = slices.Repeat([]any{true}, values)
}

// A place is where a rule is broken.
type place struct {
	parent reflect.Value // the struct that the rules may refer to
	rules  string        // the binding tag
	sent   any           // what was sent there, as JSON; nil if nothing was
}

// sentZero finds the place of a rule that may have taken a zero for a missing value. Only
// then it parses the body again, which was parsed before without an error.
func (e *fieldErrors) sentZero(in reflect.Value, sent any, rule validator.FieldError) place {
	if !strings.HasPrefix(rule.Tag(), "required") || slices.Contains(neverZero, rule.Kind()) {
		return place{}
	}
	if e.body != nil {
		_ = json.Unmarshal(e.body, &e.sent)
		e.body = nil
	}
	if sent == nil {
		sent = e.sent
	}
	return find(in, sent, rule)
}

// steps matches the fields in a name of the validator, and the keys of their items.
var steps = regexp.MustCompile(`\[([^\]]*)\]|[^.\[]+`)

// find finds the place of a rule, by the validator's name of it.
func find(in reflect.Value, sent any, rule validator.FieldError) place {
	found, value := place{in, "", sent}, in
	for _, step := range steps.FindAllStringSubmatch(withoutType(rule.StructNamespace(), in), -1) {
		for value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		members, _ := found.sent.(map[string]any)
		items, _ := found.sent.([]any)
		i, _ := strconv.Atoi(step[1])
		switch kind := value.Kind(); {
		case kind == reflect.Struct:
			field, _ := value.Type().FieldByName(step[0])
			found.rules = field.Tag.Get("binding")
			if !isEmbedded(field) {
				found.sent = members[jsonName(field)]
			}
			if value.CanInterface() { // not an embedded struct whose type is private
				found.parent = value
			}
			value = value.FieldByIndex(field.Index)
			continue
		case kind == reflect.Map:
			key := reflect.New(value.Type().Key()).Elem()
			_ = setText(key, step[1])
			value, found.sent = value.MapIndex(key), members[step[1]]
		case (kind == reflect.Slice || kind == reflect.Array) && i < min(value.Len(), len(items)):
			value, found.sent = value.Index(i), items[i]
		default:
			return place{}
		}
		found.rules = itemRules.ReplaceAllString(found.rules, "")
	}
	return found
}

// itemRules matches what is before the rules of the items of a list or a map.
var itemRules = regexp.MustCompile(`^.*?\bdive\b,?(keys,.*?endkeys,?)?|^.*`)
