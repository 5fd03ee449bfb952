package endpoint

import (
	"encoding"
	"errors"
	"maps"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"
)

// For the validator, "required" refuses the zero value of a type. Here it asks whether
// a value was sent: 0, false, an empty object and the year 1 are values. Only an empty
// string counts as missing, as in the document (minLength).

var neverZero = []reflect.Kind{reflect.Invalid, reflect.String, reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface}

// sentParameter notes a field that is not in a JSON body, with as many values as were sent.
func (e *fieldErrors) sentParameter(field field, values int) {
	if values > 0 && strings.Contains(field.Tag.Get("binding"), "required") {
		e.sent[jsonName(field.StructField)] = slices.Repeat([]any{true}, values)
	}
}

// A place is where a rule is broken.
type place struct {
	parent reflect.Value // the struct that the rules may refer to
	value  reflect.Value
	rules  string // the binding tag
	sent   any    // what was sent there, as JSON; nil if nothing was
}

// places are the known places of an input, by the validator's names of them. The place ""
// is the input itself.
type places map[string]place

// sentZero finds the place of a rule that may have taken a zero for a missing value. Only
// then it parses the body again, which was parsed before without an error.
func (e *fieldErrors) sentZero(known places, rule validator.FieldError) place {
	if !strings.HasPrefix(rule.Tag(), "required") || slices.Contains(neverZero, rule.Kind()) {
		return place{}
	}
	input := known[""]
	if input.sent == nil {
		_ = json.Unmarshal(e.body, &e.sent)
		input.sent = e.sent
		known[""] = input
	}
	return known.find(strings.TrimPrefix(rule.StructNamespace(), input.value.Type().Name()+"."))
}

// find finds a place such as Places[1].Y from that of Places[1].
func (p places) find(name string) place {
	if known, ok := p[name]; ok {
		return known
	}
	start, isItem := strings.LastIndexByte(name, '.'), strings.HasSuffix(name, "]")
	if isItem {
		start = strings.LastIndexByte(name, '[')
	}
	found, last := p.find(name[:max(start, 0)]), strings.TrimSuffix(name[start+1:], "]")
	for found.value.Kind() == reflect.Pointer {
		found.value = found.value.Elem()
	}
	members, _ := found.sent.(map[string]any)
	items, _ := found.sent.([]any)
	i, _ := strconv.Atoi(last)
	switch kind := found.value.Kind(); {
	case kind == reflect.Struct:
		field, _ := found.value.Type().FieldByName(last)
		if !isEmbedded(field) {
			found.sent = members[jsonName(field)]
		}
		if found.value.CanInterface() { // not an embedded struct whose type is private
			found.parent = found.value
		}
		found.value, found.rules = found.value.FieldByIndex(field.Index), field.Tag.Get("binding")
	case kind == reflect.Map:
		key := reflect.New(found.value.Type().Key()).Elem()
		_ = setText(key, last)
		found.value, found.sent = found.value.MapIndex(key), members[last]
	case (kind == reflect.Slice || kind == reflect.Array) && i < min(found.value.Len(), len(items)):
		found.value, found.sent = found.value.Index(i), items[i]
	default:
		found = place{}
	}
	if isItem {
		found.rules = itemRules.ReplaceAllString(found.rules, "")
	}
	if len(p) > 1000 { // the next rules are near the last ones
		maps.DeleteFunc(p, func(name string, _ place) bool { return name != "" })
	}
	p[name] = found
	return found
}

// itemRules matches what is before the rules of the items of a list or a map.
var itemRules = regexp.MustCompile(`^.*?\bdive\b,?(keys,.*?endkeys,?)?|^.*`)

// unmarshalIntegers accepts 1.0 and 1e2 as whole numbers, as JSON Schema does
// (Validation 2020-12, section 6.1.1). It never rounds a number over 5e-324.
var unmarshalIntegers = json.UnmarshalFromFunc(func(in *jsontext.Decoder, to any) error {
	field := reflect.ValueOf(to).Elem()
	_, ownText := to.(encoding.TextUnmarshaler)
	_, ownJSON := to.(json.Unmarshaler)
	if ownText || ownJSON || in.PeekKind() != '0' || !field.CanInt() && !field.CanUint() {
		return errors.ErrUnsupported // the default applies
	}
	number, err := in.ReadValue()
	if err != nil {
		return err
	}
	if strings.ContainsAny(string(number), ".eE") {
		if number, err = wholeNumber(string(number)); err != nil {
			return err
		}
	}
	return json.Unmarshal(number, to)
})

// maxNumber, in bytes, is more than a 64-bit number and its fraction need. Reading a
// longer one exactly would be slow.
const maxNumber = 400

// wholeNumber writes a JSON number without a decimal point and an exponent. The number
// is between 5e-324 and 1.8e308, or else 0, so that it has not too many digits.
func wholeNumber(text string) (jsontext.Value, error) {
	size, err := strconv.ParseFloat(text, 64)
	switch {
	case err == nil && size == 0:
		return jsontext.Value("0"), nil
	case err == nil && len(text) <= maxNumber:
		if exact, ok := new(big.Rat).SetString(text); ok && exact.IsInt() {
			return jsontext.Value(exact.Num().String()), nil
		}
	}
	return nil, errors.New("is not a whole number that fits")
}

var unmarshalTimes = json.UnmarshalFunc(func(text []byte, t *time.Time) error {
	return errors.Join(json.Unmarshal(text, t), normalizeInput(t))
})

var marshalTimes = json.WithMarshalers(json.MarshalToFunc(func(out *jsontext.Encoder, t time.Time) error {
	return out.WriteToken(jsontext.String(normalizeTime(t).Format("2006-01-02T15:04:05.000000Z07:00")))
}))

// normalizeTime is for all times: they are in UTC and have microseconds, which every
// database can store. So the answer to a write is the same as to a later read.
func normalizeTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// normalizeInput normalizes a time of an input. It refuses a year outside 0 to 9999,
// which RFC 3339 cannot write.
func normalizeInput(t *time.Time) error {
	if *t = normalizeTime(*t); t.Year() < 0 || t.Year() > 9999 {
		return errors.New("is outside the years 0 to 9999 in UTC")
	}
	return nil
}
