package endpoint

import (
	"encoding"
	"errors"
	"fmt"
	"mime/multipart"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/go-json-experiment/json"
)

const noNUL = "must not hold the character U+0000"

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
func (b binder) setValues(tag string, texts map[string][]string, files map[string][]*multipart.FileHeader, in reflect.Value, errs *fieldErrors) {
	for _, source := range b.fields[tag] {
		name, field := source.name, in.FieldByIndex(source.Index)
		given, uploads := texts[name], files[name]
		if tag == tagHeader {
			given = headerItems(given, isList(source.Type))
		}
		switch {
		case isFile(source.Type) && strings.Join(given, "") != "": // a browser sends "" if no file is chosen
			errs.add(name, "must be a file")
		case isFile(source.Type):
			errs.set(name, field, len(uploads), func(name string, to reflect.Value, i int) {
				errs.checkFile(name, uploads[i], acceptedTypes(source))
				to.Set(reflect.ValueOf(uploads[i]))
			})
		case len(uploads) > 0:
			errs.add(name, "must not be a file")
		default:
			errs.set(name, field, len(given), func(name string, to reflect.Value, i int) { errs.setText(name, to, given[i]) })
		}
		if len(given) > 0 {
			errs.sentField(tag, in, source)
		}
	}
}

// headerItems joins the lines of a header (RFC 9110, section 5.3), and splits a list.
func headerItems(lines []string, isList bool) []string {
	if len(lines) == 0 {
		return nil
	}
	line := strings.Join(lines, ", ")
	if isList {
		return listSeparator.Split(strings.Trim(line, " \t"), -1)
	}
	return []string{line}
}

// set sets a field, or each item of a list, from as many values as were given.
func (e *fieldErrors) set(name string, field reflect.Value, given int, set func(name string, to reflect.Value, i int)) {
	switch {
	case given == 0:
	case isList(field.Type()):
		field.Set(reflect.MakeSlice(field.Type(), given, given))
		for i := range given {
			set(fmt.Sprintf("%s[%d]", name, i), field.Index(i), i)
		}
	case given > 1:
		e.add(name, "is given more than once")
	default:
		set(name, field, 0)
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
