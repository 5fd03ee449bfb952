package endpoint

import (
	"bytes"
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/latchkey/problem"
)

// maxPointer is how long the JSON Pointer (RFC 6901) of a list or an object may
// be, in bytes. Every fault inside is named by its whole path, so without a
// limit the work is the length of the path times the number of faults.
const maxPointer = 500

const notAField = "is not a field of this request"

const tooDeep = "is nested too deeply, or under names that are too long"

// reading is how JSON is read.
var reading = json.WithUnmarshalers(json.JoinUnmarshalers(readTimes, readIntegers))

// json reads a body that is one JSON object.
func (b binder) json(raw []byte, in reflect.Value, faults *faults) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return problem.MalformedBody.Detailed("The body is empty: send a JSON object")
	}
	err := json.Unmarshal(raw, &members{b, in, faults})
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return problem.MalformedBody.Detailed("The JSON breaks at byte %d: %v", syntax.ByteOffset, syntax.Err)
	}
	if err != nil {
		return problem.MalformedBody
	}
	return nil
}

// members reads an object member by member, so that each fault is found, not
// only the first.
type members struct {
	binder
	in     reflect.Value
	faults *faults
}

// UnmarshalJSONFrom reads the members in the order of the document.
func (m *members) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
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
		m.read(name, value)
	}
	_, err = decoder.ReadToken()
	return err
}

func (m *members) read(name string, value jsontext.Value) {
	index, known := m.fields[tagJSON][name]
	if !known {
		m.faults.add(name, notAField)
		return
	}
	field := m.in.FieldByIndex(index)
	if value.Kind() == 'n' {
		if !m.nullable(field.Type()) {
			m.faults.add(name, "must be "+kindWords(field.Type()))
		} else if m.patch {
			field.Set(reflect.New(field.Type().Elem()))
		}
		return
	}
	if message := refused(value); message != "" {
		m.faults.add(name, message)
		return
	}
	if err := json.Unmarshal(value, field.Addr().Interface(), reading, json.RejectUnknownMembers(true)); err != nil {
		within, message := mismatch(err, field.Type())
		m.faults.add(name+within, message)
	}
}

// refused says what no field takes, whatever its type: a character that
// PostgreSQL cannot keep in a text, and a path over maxPointer.
func refused(value jsontext.Value) (message string) {
	escaped := bytes.Contains(value, []byte(`\u0000`))
	if kind := value.Kind(); !escaped && kind != '{' && kind != '[' {
		return ""
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(value))
	for {
		token, err := decoder.ReadToken()
		if err != nil { // the end: the value was read once already
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

// nullable reports whether a JSON field of type t may be null. A pointer may be
// left out, and null says the same; but in a PATCH, null is a value (RFC 7396),
// so there only a pointer to a pointer may be null.
func (b binder) nullable(t reflect.Type) bool {
	if b.patch && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Pointer
}
