package settings

import (
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

// set sets a setting that a file or a variable with this name has. It cuts the line end at the
// end of a text, and refuses what an editor or a shell can add to it unseen. A list may have
// more lines.
func (f *Faults) set(v *viper.Viper, key, name string, value any) {
	line, isText := value.(string)
	if isText {
		line = strings.TrimRight(line, "\r\n")
		value = line
	}
	if isText && reflect.ValueOf(v.Get(key)).Kind() == reflect.Slice {
		items := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(", \r\n", r) })
		line, value = strings.Join(items, ""), items
	}
	switch {
	case strings.HasPrefix(line, "\ufeff"):
		f.Add("%s: begins with a byte order mark: write it with printf or an editor, not with > of PowerShell", name)
	case strings.Contains(line, "\n"):
		f.Add("%s: has a second line", name)
	case strings.ContainsFunc(line, unicode.IsControl):
		f.Add("%s: has a control character, such as NUL", name)
	default:
		v.Set(key, value)
	}
}

// addEach adds each of the faults that a decoder joins.
func (f *Faults) addEach(err error) {
	var joined interface{ Unwrap() []error }
	var fault *mapstructure.DecodeError
	switch {
	case errors.As(err, &joined):
		for _, one := range joined.Unwrap() {
			f.addEach(one)
		}
	case errors.As(err, &fault):
		f.Add("%s: %v", fault.Name(), fault.Unwrap())
	case err != nil:
		f.Add("the settings cannot be read: %v", err)
	}
}

// decodeHook reads a setting of each type. A duration needs its unit, because viper would
// read a bare 5 as 5 ns.
func decodeHook(from, to reflect.Type, data any) (value any, err error) {
	if from == to {
		return data, nil
	}
	var fault string
	text := fmt.Sprint(data)
	switch to {
	case reflect.TypeFor[time.Duration]():
		value, err = time.ParseDuration(text)
		fault = "is not a duration: write a number with its unit, such as 90s, 15m or 24h"
	case reflect.TypeFor[Size]():
		var n uint64
		n, err = humanize.ParseBytes(text)
		value = Size(min(n, math.MaxInt64))
		fault = "is not a size: write a number with its unit, such as 512KiB or 1MiB"
	case reflect.TypeFor[int]():
		value, err = strconv.Atoi(text)
		fault = "is not a whole number"
	case reflect.TypeFor[bool]():
		value, err = strconv.ParseBool(text)
		fault = "is neither true nor false"
	case reflect.TypeFor[string](), reflect.TypeFor[Secret](), reflect.TypeFor[[]string](), reflect.TypeFor[[]Secret]():
		return data, checkText(to, data)
	default:
		return data, nil
	}
	if err != nil {
		err = errors.New(text + " " + fault)
	}
	return value, err
}

// checkText refuses what is not a text, or not a list of texts. It does not show the value
// of a secret.
func checkText(to reflect.Type, data any) error {
	items, _ := data.([]any)
	isNoText := func(item any) bool { _, isText := item.(string); return item != nil && !isText }
	kind := strings.ReplaceAll(to.Kind().String(), "slice", "list")
	switch {
	case to.Kind() == reflect.TypeOf(data).Kind() && !slices.ContainsFunc(items, isNoText):
		return nil
	case to == reflect.TypeFor[Secret](), to == reflect.TypeFor[[]Secret]():
		return errors.New("is not a " + kind)
	}
	return fmt.Errorf("%v is not a %s", data, kind)
}
