package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/dustin/go-humanize"
	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"github.com/subosito/gotenv"
)

// DefaultFile is read where no other file is named; it may be missing.
const DefaultFile = "config.yaml"

// dotEnv holds a developer's own variables; it may be missing.
const dotEnv = ".env"

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

// Load reads defaults, then file, then outside production the APP_ variables of
// .env, then those of environ (as os.Environ gives them); the later wins. Its
// error is Faults, all at once.
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
	settings := Defaults()
	settings.Ignored = faults.readEnviron(v, faults.withDotEnv(v, environ), known)
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
	for _, key := range slices.Sorted(slices.Values(own.AllKeys())) {
		if slices.Contains(known, key) {
			v.Set(key, own.Get(key))
		} else {
			f.add("%s: %s is not a setting: correct or remove it (%s)", file, key, neighbours(key, known))
		}
	}
}

// withDotEnv adds the variables of .env that environ does not set.
func (f *Faults) withDotEnv(v *viper.Viper, environ []string) []string {
	set := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		set[name] = value
	}
	if cmp.Or(set[variable("environment")], v.GetString("environment")) == Production {
		return environ
	}
	file, err := os.Open(dotEnv)
	if errors.Is(err, fs.ErrNotExist) {
		return environ
	}
	if err != nil {
		f.add("%s: cannot be read: %v", dotEnv, err)
		return environ
	}
	defer file.Close()
	more, err := gotenv.StrictParse(file)
	if err != nil {
		f.add("%s: cannot be read: write NAME=value on each line", dotEnv) // the error would show the line
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		if _, wins := set[name]; !wins {
			environ = append(environ, name+"="+more[name])
		}
	}
	return environ
}

// readEnviron gives the variables that are like no setting: another program's, or
// those that Kubernetes sets for a service called app.
func (f *Faults) readEnviron(v *viper.Viper, environ []string, known []string) (ignored []string) {
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
		case key == "" && !isLikeASetting(name, value, known):
			ignored = append(ignored, name)
			continue
		case key == "":
			f.add("%s is not a setting: correct or unset it (%s)", name, neighbours(toKey(name), known))
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
	slices.Sort(ignored)
	return ignored
}

// serviceLink is a variable that Kubernetes sets for a service, whose port's value
// is a URL such as tcp://10.0.0.1:80.
var serviceLink = regexp.MustCompile(`^APP_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)=|^APP_(\w+_)?PORT=(tcp|udp|sctp)://`)

// isLikeASetting reports whether a variable may be a setting that is misspelt: it
// begins with a section, is the beginning of a setting, or has a few wrong letters.
func isLikeASetting(name, value string, known []string) bool {
	if serviceLink.MatchString(name + "=" + value) {
		return false
	}
	return slices.ContainsFunc(known, func(key string) bool {
		section, _, nested := strings.Cut(key, ".")
		like := variable(key)
		return nested && strings.HasPrefix(name, variable(section)+"_") || strings.HasPrefix(like, name) ||
			levenshtein.ComputeDistance(strings.TrimSuffix(name, "_FILE"), like) <= 2
	})
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

// strict decodes with our own words, and without viper's guesses (true is no 1).
func strict(c *mapstructure.DecoderConfig) {
	c.WeaklyTypedInput = false
	c.DecodeHook = mapstructure.ComposeDecodeHookFunc(hook, mapstructure.StringToBasicTypeHookFunc())
}

// decode reads section key by key, so that each fault is found; a value that
// cannot be read stays as it was.
func (f *Faults) decode(v *viper.Viper, prefix string, section reflect.Value) {
	for i := range section.NumField() {
		name, field := section.Type().Field(i).Tag.Get("mapstructure"), section.Field(i)
		key := prefix + name
		switch {
		case name == "-":
			continue
		case field.Kind() == reflect.Struct:
			f.decode(v, key+".", field)
			continue
		}
		before := reflect.ValueOf(field.Interface())
		err := v.UnmarshalKey(key, field.Addr().Interface(), strict)
		if err != nil {
			field.Set(before)
		}
		kind := strings.ReplaceAll(field.Kind().String(), "slice", "list")
		var ours *fault
		switch {
		case errors.As(err, &ours):
			f.add("%s: %s", key, ours.message)
		case err != nil && (field.Type() == reflect.TypeFor[Secret]() || field.Type() == reflect.TypeFor[[]Secret]()):
			f.add("%s: is no %s", key, kind)
		case err != nil:
			f.add("%s: %v is no %s", key, v.Get(key), kind)
		}
	}
}

// fault is a hook's own words, which need no translation.
type fault struct{ message string }

func (f *fault) Error() string { return f.message }

// hook reads what a file or a variable writes in words of its own. A bare
// number is refused for a duration: viper would read 5 as 5 ns.
func hook(from, to reflect.Type, data any) (any, error) {
	if from == to {
		return data, nil
	}
	text := fmt.Sprint(data)
	switch to {
	case reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, &fault{text + " is no duration: write a number with its unit, such as 90s, 15m or 24h"}
		}
		return d, nil
	case reflect.TypeFor[Size]():
		n, err := humanize.ParseBytes(text)
		if err != nil || n > math.MaxInt64 {
			return nil, &fault{text + " is no size: write a number with its unit, such as 512KiB or 1MiB"}
		}
		return Size(n), nil //nolint:gosec // bounded above
	case reflect.TypeFor[int]():
		if _, err := strconv.Atoi(text); err != nil {
			return nil, &fault{text + " is no whole number"}
		}
	case reflect.TypeFor[*bool]():
		if text != "true" && text != "false" {
			return nil, &fault{text + " is neither true nor false"}
		}
	case reflect.TypeFor[[]string](), reflect.TypeFor[[]Secret]():
		if from.Kind() == reflect.String {
			return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \r\n", r) }), nil
		}
	}
	return data, nil
}
