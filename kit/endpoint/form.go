package endpoint

import (
	"encoding"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/go-json-experiment/json"
)

const (
	noNUL      = "must not hold the character U+0000"
	givenTwice = "is given more than once"
)

// maxFields is how many fields a form or a query may have. url.ParseQuery has the
// same limit, but its error does not say the number.
const maxFields = 10_000

// listSeparator separates the items of a list in a header.
var listSeparator = regexp.MustCompile(`[ \t]*,[ \t]*`)

// parseForm parses a form or a query.
func parseForm(text string) (url.Values, error) {
	if strings.Count(text, "&") >= maxFields {
		return nil, fmt.Errorf("has over %s fields", humanize.Comma(maxFields))
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, errors.New("is not well formed")
	}
	return values, nil
}

// setValues sets the fields from a form, a query or headers, always in the same
// order. It ignores unknown names, as RFC 6749, section 3.2, requires of a form.
func (b binder) setValues(tag string, values map[string][]string, in reflect.Value, errs *fieldErrors) {
	for _, source := range b.fields[tag] {
		name, given, field := source.name, values[source.name], in.FieldByIndex(source.Index)
		if tag == tagHeader && len(given) > 1 { // a list in several lines (RFC 9110, section 5.3)
			given = []string{strings.Join(given, ", ")}
		}
		switch {
		case len(given) == 0:
		case isFile(field.Type()):
			if strings.Join(given, "") != "" { // a browser sends "" if no file is chosen
				errs.add(name, "must be a file")
			}
		case isList(field.Type()):
			if tag == tagHeader {
				given = listSeparator.Split(strings.Trim(given[0], " \t"), -1)
			}
			list := reflect.MakeSlice(field.Type(), len(given), len(given))
			for i, text := range given {
				errs.setText(fmt.Sprintf("%s[%d]", name, i), list.Index(i), text)
			}
			field.Set(list)
		case len(given) > 1:
			errs.add(name, givenTwice)
		default:
			errs.setText(name, field, given[0])
		}
		if len(given) > 0 {
			errs.sentField(tag, in, source)
		}
	}
}

// setText sets a field from the text of a name, or adds an error.
func (e *fieldErrors) setText(name string, field reflect.Value, text string) {
	if message := checkText(text); message != "" {
		e.add(name, message)
	} else if err := setText(field, text); err != nil {
		_, message := mismatch(err, field.Type())
		e.add(name, message)
	}
}

// checkText returns a message if text is not allowed in any field.
func checkText(text string) (message string) {
	switch {
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.Contains(text, "\x00"): // PostgreSQL cannot store it
		return noNUL
	}
	return ""
}

// setText sets a field from the text of a path, a query, a header or a form. It
// uses UnmarshalText if the type has it. Numbers and booleans are written as in JSON.
func setText(field reflect.Value, text string) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		return setText(field.Elem(), text)
	}
	if target, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		err := target.UnmarshalText([]byte(text))
		if t, ok := target.(*time.Time); ok {
			return errors.Join(err, normalizeInput(t))
		}
		return err
	}
	if field.Kind() == reflect.String {
		field.SetString(text)
		return nil
	}
	return json.Unmarshal([]byte(text), field.Addr().Interface())
}

// fromText reports whether setText can set a field of type t.
func fromText(t reflect.Type) bool {
	t = pointee(t)
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return true
	}
	kind := t.Kind()
	return kind == reflect.String || t != reflect.TypeFor[time.Duration]() && kind >= reflect.Bool && kind <= reflect.Float64 && kind != reflect.Uintptr
}

// isList reports whether a field of type t takes many values of one name.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 &&
		!reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
