package endpoint

import (
	"bytes"
	"encoding"
	"errors"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// unmarshalIntegers accepts 1.0 and 1e2 as whole numbers, as JSON Schema does
// (Validation 2020-12, section 6.1.1). It never rounds.
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

// maxDigits is more than a 64-bit number has. The limit refuses 1e999999999
// before all its digits are written.
const maxDigits = 20

// wholeNumber writes a JSON number without a decimal point and an exponent.
func wholeNumber(text string) (jsontext.Value, error) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	digits := strings.TrimRight(whole+fraction, "0")
	if strings.Trim(digits, "0") == "" {
		return jsontext.Value("0"), nil
	}
	var shift int
	var err error
	if exponent != "" {
		shift, err = strconv.Atoi(exponent)
	}
	zeros := shift + len(whole) - len(digits)
	digits = strings.TrimLeft(digits, "0")
	if err != nil || zeros < 0 || zeros > maxDigits {
		return nil, errNotWhole
	}
	sign := mantissa[:len(mantissa)-len(strings.TrimPrefix(mantissa, "-"))]
	return jsontext.Value(sign + digits + strings.Repeat("0", zeros)), nil
}
