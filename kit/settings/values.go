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

// decode reads the settings into a struct, and adds every fault; variables names those of
// the environment. A value that cannot be read keeps its default. It does not use viper's own
// decoding, which converts too much, such as true to 1.
func (f *Faults) decode(v *viper.Viper, variables map[string]string, into any) {
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{DecodeHook: decodeHook, Result: into})
	if err == nil {
		err = decoder.Decode(v.AllSettings())
	}
	f.addEach(err, variables)
}

// addEach adds each of the faults that a decoder joins.
func (f *Faults) addEach(err error, variables map[string]string) {
	var joined interface{ Unwrap() []error }
	var fault *mapstructure.DecodeError
	switch {
	case errors.As(err, &joined):
		for _, one := range joined.Unwrap() {
			f.addEach(one, variables)
		}
	case errors.As(err, &fault):
		name := fault.Name()
		if errors.As(err, new(unseen)) {
			name = cmp.Or(variables[name], name)
		}
		f.Add("%s: %v", name, fault.Unwrap())
	case err != nil:
		f.Add("the settings cannot be read: %v", err)
	}
}

// unseen is what an editor or a shell can add to a value without showing it.
type unseen string

func (u unseen) Error() string { return string(u) }

// findUnseen returns what is unseen in a line.
func findUnseen(line string) error {
	switch {
	case strings.HasPrefix(line, "\ufeff"):
		return unseen("begins with a byte order mark: write it with printf or an editor, not with > of PowerShell")
	case strings.Contains(line, "\n"):
		return unseen("has a second line")
	case strings.ContainsFunc(line, unicode.IsControl):
		return unseen("has a control character, such as NUL")
	}
	return nil
}

// decodeHook reads a setting of each type. It cuts the line end at the end of a text; a list
// may have more lines. A duration needs its unit, because viper would read a bare 5 as 5 ns.
func decodeHook(from, to reflect.Type, data any) (any, error) {
	text, isText := data.(string)
	if isText {
		text = strings.TrimRight(text, "\r\n")
		line := text
		if to.Kind() == reflect.Slice {
			line = strings.NewReplacer("\r", "", "\n", "").Replace(text)
		}
		if err := findUnseen(line); err != nil {
			return nil, err
		}
		data = text
	}
	if from == to {
		return data, nil
	}
	switch to {
	case reflect.TypeFor[time.Duration]():
		if d, err := time.ParseDuration(fmt.Sprint(data)); err == nil {
			return d, nil
		}
		return nil, fmt.Errorf("%v is not a duration: write a number with its unit, such as 90s, 15m or 24h", data)
	case reflect.TypeFor[Size]():
		if n, err := humanize.ParseBytes(fmt.Sprint(data)); err == nil && n <= math.MaxInt64 {
			return Size(n), nil
		}
		return nil, fmt.Errorf("%v is not a size: write a number with its unit, such as 512KiB or 1MiB", data)
	case reflect.TypeFor[int]():
		if n, err := strconv.Atoi(fmt.Sprint(data)); err == nil {
			return n, nil
		}
		return nil, fmt.Errorf("%v is not a whole number", data)
	case reflect.TypeFor[*bool]():
		if value := fmt.Sprint(data); value == "true" || value == "false" {
			return data, nil // it is decoded as a bool next
		}
		return nil, fmt.Errorf("%v is neither true nor false", data)
	case reflect.TypeFor[bool]():
		if b, err := strconv.ParseBool(text); err == nil {
			return b, nil
		}
	case reflect.TypeFor[[]string](), reflect.TypeFor[[]Secret]():
		if isText {
			return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \r\n", r) }), nil
		}
	}
	return data, checkKind(to, data)
}

// checkKind refuses a value of another kind, and a list of anything but texts. It does not
// show the value of a secret.
func checkKind(to reflect.Type, data any) error {
	items, _ := data.([]any)
	isNoText := func(item any) bool { _, isText := item.(string); return item != nil && !isText }
	kind := strings.ReplaceAll(to.Kind().String(), "slice", "list")
	switch {
	case to.Kind() == reflect.Struct, to.Kind() == reflect.TypeOf(data).Kind() && !slices.ContainsFunc(items, isNoText):
		return nil
	case to == reflect.TypeFor[Secret](), to == reflect.TypeFor[[]Secret]():
		return errors.New("is not a " + kind)
	}
	return fmt.Errorf("%v is not a %s", data, kind)
}
