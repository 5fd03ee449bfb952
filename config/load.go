package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"github.com/subosito/gotenv"
)

// DefaultFile is read when no other file is named; it may be missing.
const DefaultFile = "config.yaml"

// dotEnv holds a developer's variables; it may be missing.
const dotEnv = ".env"

const envPrefix = "APP_"

// Faults lists everything that is wrong with the settings, and how to correct it.
type Faults []string

func (f Faults) Error() string {
	if len(f) == 1 {
		return f[0]
	}
	return fmt.Sprintf("%d settings are wrong:\n  %s", len(f), strings.Join(f, "\n  "))
}

func (f *Faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// Load reads the defaults, then file, then (not in production) the APP_
// variables of .env, then those of environ (NAME=value, as of os.Environ). A
// later value wins. The error is a Faults with everything that is wrong.
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
	lists := slices.DeleteFunc(slices.Clone(known), func(key string) bool { return reflect.ValueOf(v.Get(key)).Kind() != reflect.Slice })
	faults.readFile(v, file, known)
	variables, ignored := faults.readEnviron(v, faults.withDotEnv(v, environ), known)
	faults.clean(v, known, lists, variables)
	settings := Defaults()
	settings.Ignored = ignored
	// The hook is composed once, because that takes longer than to decode a setting.
	hook := mapstructure.ComposeDecodeHookFunc(decodeHook, mapstructure.StringToBasicTypeHookFunc())
	faults.decode(v, hook, "", reflect.ValueOf(&settings).Elem())
	faults.check(&settings)
	if len(faults) > 0 {
		return Settings{}, faults
	}
	return settings, nil
}

func (f *Faults) readFile(v *viper.Viper, file string, known []string) {
	fromFile := viper.New()
	fromFile.SetConfigFile(file)
	fromFile.SetConfigType("yaml")
	err := fromFile.ReadInConfig()
	if file == DefaultFile && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		f.add("%s: cannot be read: %v", file, errors.Unwrap(err))
		return
	}
	for _, key := range slices.Sorted(slices.Values(fromFile.AllKeys())) {
		if slices.Contains(known, key) {
			v.Set(key, fromFile.Get(key))
		} else {
			f.add("%s: %s is not a setting: correct or remove it (%s)", file, key, suggest(key, known))
		}
	}
}

// variable reads NAME=value. A file with the line ends of Windows leaves one of them at
// the end of a value.
func variable(entry string) (name, value string) {
	name, value, _ = strings.Cut(entry, "=")
	return name, strings.TrimRight(value, "\r\n")
}

// withDotEnv adds the variables of .env that environ does not set.
func (f *Faults) withDotEnv(v *viper.Viper, environ []string) []string {
	set := map[string]string{}
	for _, entry := range environ {
		name, value := variable(entry)
		set[name] = value
	}
	if cmp.Or(set[Variable("environment")], v.GetString("environment")) == Production {
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
		f.add("%s: cannot be read: write NAME=value on each line", dotEnv) // err would show the line, which may hold a secret
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		if _, isSet := set[name]; !isSet {
			environ = append(environ, name+"="+more[name])
		}
	}
	return environ
}

// readEnviron returns the variable of each setting that has one, and the ignored
// variables, which are not similar to a setting: those of other programs, or those that
// Kubernetes sets for a service named app.
func (f *Faults) readEnviron(v *viper.Viper, environ []string, known []string) (set map[string]string, ignored []string) {
	keys := map[string]string{}
	for _, key := range known {
		keys[Variable(key)] = key
	}
	set = map[string]string{}
	for _, entry := range environ {
		name, value := variable(entry)
		if !strings.HasPrefix(name, envPrefix) || value == "" {
			continue
		}
		key, direct := keys[name]
		if !direct {
			key = keys[strings.TrimSuffix(name, "_FILE")]
		}
		switch other, twice := set[key]; {
		case key == "" && !isSimilar(name, value, known):
			ignored = append(ignored, name)
			continue
		case key == "":
			f.add("%s is not a setting: correct or unset it (%s)", name, suggest(toKey(name), known))
			continue
		case twice:
			f.add("%s and %s are both set: unset one", other, name)
		}
		set[key] = name
		if !direct {
			content, err := readFile(value)
			if err != nil {
				f.add("%s: %v", name, err)
				continue
			}
			value = string(content)
		}
		v.Set(key, value)
	}
	slices.Sort(ignored)
	return set, ignored
}

// serviceLink matches NAME=value of a variable that Kubernetes sets for a service. The
// value of a port is a URL such as tcp://10.0.0.1:80.
var serviceLink = regexp.MustCompile(`^APP_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)=|^APP_(\w+_)?PORT=(tcp|udp|sctp)://`)

// isSimilar reports whether a variable may be a misspelt setting: it starts with a
// section, is the start of a setting, or has up to two wrong letters.
func isSimilar(name, value string, known []string) bool {
	if serviceLink.MatchString(name + "=" + value) {
		return false
	}
	return slices.ContainsFunc(known, func(key string) bool {
		section, _, nested := strings.Cut(key, ".")
		setting := Variable(key)
		return nested && strings.HasPrefix(name, Variable(section)+"_") || strings.HasPrefix(setting, name) ||
			levenshtein.ComputeDistance(strings.TrimSuffix(name, "_FILE"), setting) <= 2
	})
}

// Variable returns the environment variable of a setting.
func Variable(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func toKey(variable string) string {
	return strings.ToLower(strings.Replace(strings.TrimPrefix(variable, envPrefix), "_", ".", 1))
}

// suggest lists the settings of the section of a misspelt key, or else all.
func suggest(key string, known []string) string {
	section, _, _ := strings.Cut(key, ".")
	similar := slices.DeleteFunc(slices.Clone(known), func(k string) bool { return !strings.HasPrefix(k, section+".") })
	if len(similar) == 0 {
		similar = known
	}
	return "known: " + strings.Join(similar, ", ")
}
