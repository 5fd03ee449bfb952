package endpoint

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/latchkey/kit/problem"
)

const (
	typeJSON      = "application/json"
	typeMerge     = "application/merge-patch+json" // RFC 7396
	typeForm      = "application/x-www-form-urlencoded"
	typeMultipart = "multipart/form-data"
)

// addBodies lists the media types that the body may have.
func (b binder) addBodies() {
	for _, media := range b.fields[tagBody] {
		b.bodies[media.name] = tagBody
	}
	if b.fields[tagJSON] != nil {
		b.bodies[typeJSON] = tagJSON
		if b.patch {
			b.bodies[typeMerge] = tagJSON
		}
	}
	if forms := b.fields[tagForm]; forms != nil {
		b.bodies[typeMultipart] = tagForm
		if !slices.ContainsFunc(forms, func(f field) bool { return isFile(f.Type) }) {
			b.bodies[typeForm] = tagForm
		}
	}
}

// body reads the body by its content type and returns the tag that names its fields.
func (b binder) body(r *http.Request, in reflect.Value, errs *fieldErrors) (tag string, err error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	for _, mediaRange := range mediaRanges(media) {
		if tag = b.bodies[mediaRange]; tag != "" {
			media = mediaRange
			break
		}
	}
	switch {
	case r.Header.Get("Content-Encoding") != "":
		return "", problem.UnsupportedMediaType.Detailed("Send the body without a Content-Encoding")
	case tag == "":
		return "", problem.UnsupportedMediaType.Detailed("Send the body as Content-Type: %s", strings.Join(slices.Sorted(maps.Keys(b.bodies)), " or "))
	case tag != tagBody && !slices.Contains([]string{"", "utf-8", "utf8"}, strings.ToLower(params["charset"])):
		return "", problem.UnsupportedMediaType.Detailed("Send the body as UTF-8")
	case media == typeMultipart && tag == tagForm:
		if err := parseMultipart(r); err != nil {
			return "", err
		}
		b.setValues(tagForm, r.MultipartForm.Value, r.MultipartForm.File, in, errs)
		return tag, nil
	}
	raw, err := io.ReadAll(r.Body)
	if err := bodyError(r, err, "The body ended early"); err != nil {
		return "", err
	}
	switch {
	case tag == tagBody && len(raw) == 0: // it stays nil, so that binding:"required" refuses it
	case tag == tagBody:
		whole, _ := b.field(tagBody, media)
		in.FieldByIndex(whole.Index).SetBytes(raw)
	case !utf8.Valid(raw):
		return "", problem.MalformedBody.Detailed("The body is not UTF-8")
	case tag == tagJSON:
		return tag, b.json(raw, in, errs)
	default:
		form, err := parseForm(string(raw))
		if err != nil {
			return "", problem.MalformedBody.Detailed("The form %v", err)
		}
		b.setValues(tagForm, form, nil, in, errs)
	}
	return tag, nil
}

// mediaRanges are the entries of a list of media types that match media, the most
// specific first.
func mediaRanges(media string) []string {
	kind, _, _ := strings.Cut(media, "/")
	return []string{media, kind + "/*", "*/*"}
}

// bodyError turns an error from reading the body into a problem with detail. It
// keeps the errors of a body over a limit, which problem.Write handles.
func bodyError(r *http.Request, err error, detail string) error {
	var tooLarge *http.MaxBytesError
	switch {
	case r.Context().Err() != nil: // the client has disconnected
		return r.Context().Err()
	case err == nil || errors.As(err, &tooLarge) || errors.Is(err, problem.Overloaded):
		return err
	}
	return problem.MalformedBody.Detailed("%s", detail).Because(err)
}

// maxPointer is the maximum length of the JSON Pointer (RFC 6901) of a list or an
// object, in bytes. Each error inside names its whole path, so without a limit
// the work would be the length of the path times the number of errors.
const maxPointer = 500

const unknownField = "is not a field of this request"

const tooDeep = "is nested too deeply, or under names that are too long"

var unmarshalers = json.WithUnmarshalers(json.JoinUnmarshalers(unmarshalTimes, unmarshalIntegers))

// json reads a body that is one JSON object.
func (b binder) json(raw []byte, in reflect.Value, errs *fieldErrors) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return problem.MalformedBody.Detailed("The body is empty: send a JSON object")
	}
	err := json.Unmarshal(raw, &objectReader{b, in, errs})
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return problem.MalformedBody.Detailed("The JSON breaks at byte %d: %v", syntax.ByteOffset, syntax.Err)
	}
	if err != nil {
		return problem.MalformedBody
	}
	errs.body = raw
	return nil
}

// objectReader reads an object member by member, so that it finds all errors, not
// only the first.
type objectReader struct {
	binder
	in   reflect.Value
	errs *fieldErrors
}

// UnmarshalJSONFrom reads the members in their order.
func (m *objectReader) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	open, err := decoder.ReadToken()
	if err != nil {
		return err
	}
	if open.Kind() != '{' {
		return problem.MalformedBody
	}
	for decoder.PeekKind() != '}' {
		token, err := decoder.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return err
		}
		m.readMember(name, value)
	}
	_, err = decoder.ReadToken()
	return err
}

func (m *objectReader) readMember(name string, value jsontext.Value) {
	source, known := m.field(tagJSON, name)
	if !known {
		m.errs.add(name, unknownField)
		return
	}
	field := m.in.FieldByIndex(source.Index)
	if value.Kind() == 'n' {
		if !m.nullable(source) {
			m.errs.add(name, "must be "+describeType(field.Type()))
		} else if m.patch {
			field.Set(reflect.New(field.Type().Elem()))
		}
		return
	}
	if message := checkValue(value); message != "" {
		m.errs.add(name, message)
	} else if err := json.Unmarshal(value, field.Addr().Interface(), unmarshalers, json.RejectUnknownMembers(true)); err != nil {
		within, message := mismatch(err, field.Type())
		m.errs.add(name+within, message)
	}
}

// checkValue returns a message for what is not allowed in any field: a character
// that PostgreSQL cannot store in a text, and a path over maxPointer.
func checkValue(value jsontext.Value) (message string) {
	escaped := bytes.Contains(value, []byte(`\u0000`))
	if kind := value.Kind(); !escaped && kind != '{' && kind != '[' {
		return ""
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(value))
	for {
		token, err := decoder.ReadToken()
		if err != nil { // io.EOF, because the JSON was checked before
			return ""
		}
		kind := token.Kind()
		switch {
		case escaped && kind == '"' && strings.Contains(token.String(), "\x00"):
			return noNUL
		case (kind == '{' || kind == '[') && len(decoder.StackPointer()) > maxPointer:
			return tooDeep
		}
	}
}

// nullable reports whether a JSON field may be null. Null means the same as an absent
// field, so a field that is not required may be null. But in a PATCH, null is a value
// (RFC 7396), so there only a pointer to a pointer may be null.
func (b binder) nullable(field field) bool {
	t := field.Type
	if b.patch {
		return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Pointer
	}
	own, _, _ := strings.Cut(field.Tag.Get("binding"), "dive")
	return t.Kind() == reflect.Pointer || !slices.Contains(strings.Split(own, ","), "required")
}
