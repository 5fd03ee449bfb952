package endpoint

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/go-json-experiment/json"
)

const (
	noNUL = "must not hold the character U+0000"
	twice = "is given more than once"
)

// maxPairs is how many names a form or a query may have. url.ParseQuery has the
// same limit, but its error does not say which.
const maxPairs = 10_000

// headerItem ends an item of a list in a header.
var headerItem = regexp.MustCompile(`[ \t]*,[ \t]*`)

// pairs parses a form or a query.
func pairs(text string) (url.Values, error) {
	if strings.Count(text, "&") >= maxPairs {
		return nil, fmt.Errorf("has over %s fields", humanize.Comma(maxPairs))
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, errors.New("is not well formed")
	}
	return values, nil
}

// values reads a form, a query or headers, always in one order. A name it does
// not know is ignored, as RFC 6749, section 3.2, asks of a form.
func (b binder) values(tag string, values map[string][]string, in reflect.Value, faults *faults) {
	for _, name := range slices.Sorted(maps.Keys(b.fields[tag])) {
		field, given := in.FieldByIndex(b.fields[tag][name]), values[name]
		if tag == tagHeader && len(given) > 1 { // one list in many lines (RFC 9110, section 5.3)
			given = []string{strings.Join(given, ", ")}
		}
		switch {
		case len(given) == 0:
		case isFile(field.Type()):
			if strings.Join(given, "") != "" { // a page sends "" where no file is chosen
				faults.add(name, "must be a file")
			}
		case isList(field.Type()):
			if tag == tagHeader {
				given = headerItem.Split(strings.Trim(given[0], " \t"), -1)
			}
			list := reflect.MakeSlice(field.Type(), len(given), len(given))
			for i, text := range given {
				faults.text(fmt.Sprintf("%s[%d]", name, i), list.Index(i), text)
			}
			field.Set(list)
		case len(given) > 1:
			faults.add(name, twice)
		default:
			faults.text(name, field, given[0])
		}
	}
}

// text sets a field from the text that was given under a name.
func (f *faults) text(name string, field reflect.Value, text string) {
	if message := notText(text); message != "" {
		f.add(name, message)
	} else if err := setText(field, text); err != nil {
		_, message := mismatch(err, field.Type())
		f.add(name, message)
	}
}

// notText says why no field takes a text, whatever its type.
func notText(text string) (message string) {
	switch {
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.Contains(text, "\x00"): // which PostgreSQL cannot keep
		return noNUL
	}
	return ""
}

// setText sets a field from a path, a query or a form: words by
// UnmarshalText or as they are, numbers and booleans as JSON writes them.
func setText(field reflect.Value, text string) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		return setText(field.Elem(), text)
	}
	if words, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		err := words.UnmarshalText([]byte(text))
		if t, ok := words.(*time.Time); ok {
			return errors.Join(err, keepable(t))
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

// isList reports whether a name may be given many times for a field of type t.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 &&
		!reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
