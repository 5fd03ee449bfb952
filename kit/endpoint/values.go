package endpoint

import (
	"encoding"
	"errors"
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
	name := strings.TrimPrefix(rule.StructNamespace(), in.Type().Name()+".")
	for _, step := range steps.FindAllStringSubmatch(name, -1) {
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
