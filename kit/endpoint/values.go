package endpoint

import (
	"bytes"
	"encoding"
	"errors"
	"math/big"
	"reflect"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

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
	if bytes.ContainsAny(number, ".eE") {
		if number, err = wholeNumber(string(number)); err != nil {
			return err
		}
	}
	return json.Unmarshal(number, to)
})

var errNotWhole = errors.New("is not a whole number that fits")

// maxNumber, in bytes, is more than a 64-bit number and its fraction need. Reading a
// longer one exactly would be slow.
const maxNumber = 400

// wholeNumber writes a JSON number without a decimal point and an exponent. The number
// is between 5e-324 and 1.8e308, or else 0, so that it has not too many digits.
func wholeNumber(text string) (jsontext.Value, error) {
	size, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > maxNumber {
		return nil, errNotWhole
	}
	if size == 0 {
		return jsontext.Value("0"), nil
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok || !exact.IsInt() {
		return nil, errNotWhole
	}
	return jsontext.Value(exact.Num().String()), nil
}

// All times are in UTC and have microseconds, which every database can store. So
// the answer to a write is the same as to a later read.
var (
	unmarshalTimes = json.UnmarshalFunc(func(text []byte, t *time.Time) error {
		return errors.Join(json.Unmarshal(text, t), normalizeInput(t))
	})
	marshalTimes = json.WithMarshalers(json.MarshalToFunc(func(out *jsontext.Encoder, t time.Time) error {
		return out.WriteToken(jsontext.String(normalizeTime(t).Format("2006-01-02T15:04:05.000000Z07:00")))
	}))
)

func normalizeTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// normalizeInput normalizes a time of an input. It refuses a year outside 0 to 9999,
// which RFC 3339 cannot write.
func normalizeInput(t *time.Time) error {
	if *t = normalizeTime(*t); t.Year() < 0 || t.Year() > 9999 {
		return errors.New("is outside the years 0 to 9999 in UTC")
	}
	return nil
}
