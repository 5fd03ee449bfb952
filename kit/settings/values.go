package settings

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// maxFile, in bytes, is the most that the file of a value or a key may have.
const maxFile = 64 << 10

// ReadFile reads a file that only its owner may change.
func ReadFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode()&0o022 != 0 { // Windows has no such modes
		return nil, fmt.Errorf("%s: others may write it: run chmod go-w %[1]s", path)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s has more than 64 KiB", path)
	}
	return content, err
}

// clean cuts the line end at the end of each value, and removes a value with what an
// editor or a shell can add to it unseen. A list may have more lines.
func (f *Faults) clean(v *viper.Viper, known, lists []string, variables map[string]string) {
	for _, key := range known {
		value, isText := v.Get(key).(string)
		if !isText {
			continue
		}
		value = strings.TrimRight(value, "\r\n")
		line := value
		if slices.Contains(lists, key) {
			line = strings.NewReplacer("\r", "", "\n", "").Replace(value)
		}
		var fault string
		switch {
		case strings.HasPrefix(line, "\ufeff"):
			fault = "begins with a byte order mark: write it with printf or an editor, not with > of PowerShell"
		case strings.Contains(line, "\n"):
			fault = "has a second line"
		case strings.ContainsFunc(line, unicode.IsControl):
			fault = "has a control character, such as NUL"
		default:
			v.Set(key, value)
			continue
		}
		f.Add("%s: %s", cmp.Or(variables[key], key), fault)
		v.Set(key, nil)
	}
}

// decode reads section key by key, so that it finds every fault. A value that
// cannot be read keeps its default. It does not use viper's own decoding, which converts
// too much, such as true to 1.
func (f *Faults) decode(v *viper.Viper, hook mapstructure.DecodeHookFunc, prefix string, section reflect.Value) {
	for i := range section.NumField() {
		name, field := section.Type().Field(i).Tag.Get("mapstructure"), section.Field(i)
		key := prefix + name
		switch {
		case name == "-":
			continue
		case section.Type().Field(i).Anonymous: // its settings are in this section too
			f.decode(v, hook, prefix, field)
			continue
		case field.Kind() == reflect.Struct:
			f.decode(v, hook, key+".", field)
			continue
		}
		before := reflect.ValueOf(field.Interface())
		decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{DecodeHook: hook, Result: field.Addr().Interface()})
		if err == nil {
			err = decoder.Decode(v.Get(key))
		}
		if err != nil {
			field.Set(before)
		}
		kind := strings.ReplaceAll(field.Kind().String(), "slice", "list")
		var fromHook *hookError
		switch {
		case errors.As(err, &fromHook):
			f.Add("%s: %s", key, fromHook.message)
		case err != nil && (field.Type() == reflect.TypeFor[Secret]() || field.Type() == reflect.TypeFor[[]Secret]()):
			f.Add("%s: is not a %s", key, kind) // the value may be a secret
		case err != nil:
			f.Add("%s: %v is not a %s", key, v.Get(key), kind)
		}
	}
}

// hookError is an error of decodeHook, whose message is shown as it is.
type hookError struct{ message string }

func (e *hookError) Error() string { return e.message }

// decodeHook reads durations, sizes, numbers, booleans and lists. A duration
// needs its unit, because viper would read a bare 5 as 5 ns.
func decodeHook(from, to reflect.Type, data any) (any, error) {
	if from == to {
		return data, nil
	}
	text := fmt.Sprint(data)
	switch to {
	case reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, &hookError{text + " is not a duration: write a number with its unit, such as 90s, 15m or 24h"}
		}
		return d, nil
	case reflect.TypeFor[Size]():
		n, err := humanize.ParseBytes(text)
		if err != nil || n > math.MaxInt64 {
			return nil, &hookError{text + " is not a size: write a number with its unit, such as 512KiB or 1MiB"}
		}
		return Size(n), nil //nolint:gosec // checked above
	case reflect.TypeFor[int]():
		if _, err := strconv.Atoi(text); err != nil {
			return nil, &hookError{text + " is not a whole number"}
		}
	case reflect.TypeFor[*bool]():
		if text != "true" && text != "false" {
			return nil, &hookError{text + " is neither true nor false"}
		}
	case reflect.TypeFor[[]string](), reflect.TypeFor[[]Secret]():
		if from.Kind() == reflect.String {
			return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \r\n", r) }), nil
		}
	}
	return data, nil
}
