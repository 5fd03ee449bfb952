package endpoint

import (
	"bytes"
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/latchkey/kit/problem"
)

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
	source, known := m.binder.field(tagJSON, name)
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
		return
	}
	if err := json.Unmarshal(value, field.Addr().Interface(), unmarshalers, json.RejectUnknownMembers(true)); err != nil {
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
		switch token.Kind() {
		case '"':
			if escaped && strings.Contains(token.String(), "\x00") {
				return noNUL
			}
		case '{', '[':
			if len(decoder.StackPointer()) > maxPointer {
				return tooDeep
			}
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
	return t.Kind() == reflect.Pointer || !isRequired(field)
}
