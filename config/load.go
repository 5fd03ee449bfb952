package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// DefaultFile is read where no other file is named; it may be missing.
const DefaultFile = "config.yaml"

const envPrefix = "APP_"

// Faults are all that is wrong with the settings, each with its cure.
type Faults []string

func (f Faults) Error() string {
	if len(f) == 1 {
		return f[0]
	}
	return fmt.Sprintf("%d settings are wrong:\n  %s", len(f), strings.Join(f, "\n  "))
}

func (f *Faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// Load reads defaults, then file, then the APP_ variables of environ (as
// os.Environ gives them); the later wins. Its error is Faults, all at once.
func Load(file string, environ []string) (Settings, error) {
	var faults Faults
	v := viper.New()
	var defaults map[string]any
	if err := mapstructure.Decode(Defaults(), &defaults); err != nil {
		return Settings{}, err
	}
	if err := v.MergeConfigMap(defaults); err != nil {
		return Settings{}, err
	}
	known := v.AllKeys()
	slices.Sort(known)
	faults.readFile(v, file, known)
	faults.readEnviron(v, environ, known)
	settings := Defaults()
	faults.decode(v, "", reflect.ValueOf(&settings).Elem())
	faults.check(&settings)
	if len(faults) > 0 {
		return Settings{}, faults
	}
	return settings, nil
}

func (f *Faults) readFile(v *viper.Viper, file string, known []string) {
	own := viper.New()
	own.SetConfigFile(file)
	own.SetConfigType("yaml")
	err := own.ReadInConfig()
	if file == DefaultFile && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		f.add("%s: cannot be read: %v", file, errors.Unwrap(err))
		return
	}
	for _, key := range own.AllKeys() {
		if slices.Contains(known, key) {
			v.Set(key, own.Get(key))
		} else {
			f.add("%s: %s is no setting: correct or remove it (%s)", file, key, neighbours(key, known))
		}
	}
}

func (f *Faults) readEnviron(v *viper.Viper, environ []string, known []string) {
	keys := map[string]string{}
	for _, key := range known {
		keys[variable(key)] = key
	}
	set := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" {
			continue
		}
		key, direct := keys[name]
		if !direct {
			key = keys[strings.TrimSuffix(name, "_FILE")]
		}
		switch other, twice := set[key]; {
		case key == "":
			f.add("%s is no setting: correct or unset it (%s)", name, neighbours(toKey(name), known))
			continue
		case twice:
			f.add("%s and %s are both set: unset one", other, name)
		}
		set[key] = name
		if !direct {
			content, err := os.ReadFile(value)
			if err != nil {
				f.add("%s: %v", name, err)
				continue
			}
			value = strings.TrimRight(string(content), "\r\n")
		}
		v.Set(key, value)
	}
}

func variable(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func toKey(variable string) string {
	return strings.ToLower(strings.Replace(strings.TrimPrefix(variable, envPrefix), "_", ".", 1))
}

// neighbours lists the settings a misspelt key may have meant.
func neighbours(key string, known []string) string {
	section, _, _ := strings.Cut(key, ".")
	near := slices.DeleteFunc(slices.Clone(known), func(k string) bool { return !strings.HasPrefix(k, section+".") })
	if len(near) == 0 {
		near = known
	}
	return "known: " + strings.Join(near, ", ")
}

var hooks = viper.DecodeHook(mapstructure.ComposeDecodeHookFunc(
	durationHook, listHook, mapstructure.TextUnmarshallerHookFunc()))

// decode reads section key by key, so that each fault is found; a value that
// cannot be read stays as it was.
func (f *Faults) decode(v *viper.Viper, prefix string, section reflect.Value) {
	for i := range section.NumField() {
		key, field := prefix+section.Type().Field(i).Tag.Get("mapstructure"), section.Field(i)
		if field.Kind() == reflect.Struct {
			f.decode(v, key+".", field)
			continue
		}
		err := v.UnmarshalKey(key, field.Addr().Interface(), hooks)
		var ours *fault
		switch {
		case errors.As(err, &ours):
			f.add("%s: %s", key, ours.message)
		case err != nil:
			f.add("%s: %v is no %s", key, v.Get(key), field.Kind())
		}
	}
}

// fault is a hook's own words, which need no translation.
type fault struct{ message string }

func (f *fault) Error() string { return f.message }

// durationHook refuses a bare number: viper would read 5 as 5 ns.
func durationHook(_, to reflect.Type, data any) (any, error) {
	if _, done := data.(time.Duration); done || to != reflect.TypeFor[time.Duration]() {
		return data, nil
	}
	d, err := time.ParseDuration(fmt.Sprint(data))
	if err != nil {
		return nil, &fault{fmt.Sprintf("%v is no duration: write a number with its unit, such as 90s, 15m or 24h", data)}
	}
	return d, nil
}

func listHook(_, to reflect.Type, data any) (any, error) {
	text, ok := data.(string)
	if !ok || to.Kind() != reflect.Slice {
		return data, nil
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }), nil
}
