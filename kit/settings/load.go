package settings

import (
	"bytes"
	"cmp"
	"errors"
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

// Read reads the settings in the fields of into, a pointer to a struct with the defaults,
// whose tags are named mapstructure: first from file, then (not in production) from the
// APP_ variables of .env, then from those of environ (NAME=value, as of os.Environ). A
// later value wins, and one that cannot be read leaves the default. It reads others as
// well, and returns the APP_ variables that are not similar to a setting. A field of others
// may be a map of structs, whose entries the file names.
func (f *Faults) Read(file string, environ []string, into any, others ...Other) (ignored []string) {
	v := viper.New()
	all := append([]Other{{"", into}}, others...)
	structs := map[string]reflect.Type{} // the type of the entries of a map, by its key
	for _, of := range all {
		var defaults map[string]any
		err := mapstructure.Decode(of.Into, &defaults)
		for name, value := range defaults {
			if kind := reflect.TypeOf(value); kind != nil && kind.Kind() == reflect.Map && kind.Elem().Kind() == reflect.Struct {
				structs[of.Section+"."+name] = kind.Elem()
				delete(defaults, name)
			}
		}
		if of.Section != "" {
			defaults = map[string]any{of.Section: defaults}
		}
		if err := errors.Join(err, v.MergeConfigMap(defaults)); err != nil {
			f.Add("the defaults cannot be read: %v", err)
			return nil
		}
	}
	fromFile := f.readFile(file)
	known := withEntries(v, structs, fromFile.AllKeys())
	f.setFrom(v, file, fromFile, known)
	ignored = f.readEnviron(v, f.withDotEnv(v, environ), known)
	// viper's own decoding converts too much, such as true to 1.
	hook := mapstructure.ComposeDecodeHookFunc(decodeHook, mapstructure.StringToBasicTypeHookFunc())
	read := v.AllSettings()
	for _, of := range all {
		own := any(read)
		if of.Section != "" {
			own = read[of.Section]
		}
		decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{DecodeHook: hook, Result: of.Into, RootName: of.Section})
		if err == nil {
			err = decoder.Decode(own)
		}
		f.addEach(err)
	}
	return ignored
}

// Other are settings of a section that are in a struct of their own, such as those of an
// optional part of a program. Into is a pointer to the defaults. Several may have keys of
// one section.
type Other struct {
	Section string
	Into    any
}

// withEntries returns the known keys, sorted, with those of maps of structs: the keys of each
// entry that the file has. The names of the entries are up to the file.
func withEntries(v *viper.Viper, structs map[string]reflect.Type, inFile []string) []string {
	for key, entry := range structs {
		for _, in := range inFile {
			rest, inMap := strings.CutPrefix(in, key+".")
			name, _, _ := strings.Cut(rest, ".")
			for i := 0; inMap && i < entry.NumField(); i++ {
				v.SetDefault(key+"."+name+"."+entry.Field(i).Tag.Get("mapstructure"), reflect.Zero(entry.Field(i).Type).Interface())
			}
		}
	}
	return slices.Sorted(slices.Values(v.AllKeys()))
}

func (f *Faults) readFile(file string) *viper.Viper {
	fromFile := viper.New()
	fromFile.SetConfigFile(file)
	fromFile.SetConfigType("yaml")
	err := fromFile.ReadInConfig()
	if mayMiss := file == DefaultFile && errors.Is(err, fs.ErrNotExist); err != nil && !mayMiss {
		f.Add("%s: cannot be read: %v", file, errors.Unwrap(err))
	}
	return fromFile
}

func (f *Faults) setFrom(v *viper.Viper, file string, fromFile *viper.Viper, known []string) {
	for _, key := range slices.Sorted(slices.Values(fromFile.AllKeys())) {
		if slices.Contains(known, key) {
			f.set(v, key, key, fromFile.Get(key))
		} else {
			section, _, _ := strings.Cut(key, ".")
			f.Add("%s: %s is not a setting: correct or remove it (%s)", file, key, suggest(section, known))
		}
	}
}

// withDotEnv returns the variables of environ, and those of .env that environ does not set.
// A file with the line ends of Windows leaves one of them at the end of a value.
func (f *Faults) withDotEnv(v *viper.Viper, environ []string) map[string]string {
	set := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		set[name] = strings.TrimRight(value, "\r\n")
	}
	if cmp.Or(set[Variable("environment")], v.GetString("environment")) == Production {
		return set
	}
	text, err := os.ReadFile(dotEnv)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.Add("%s: cannot be read: %v", dotEnv, err)
	}
	all, err := gotenv.StrictParse(bytes.NewReader(text))
	if err != nil {
		f.Add("%s: cannot be read: write NAME=value on each line", dotEnv) // err would show the line, which may hold a secret
	}
	maps.Copy(all, set)
	return all
}

// readEnviron reads the settings from their variables, and returns the ignored
// variables, which are not similar to a setting: those of other programs, or those that
// Kubernetes sets for a service named app.
func (f *Faults) readEnviron(v *viper.Viper, environ map[string]string, known []string) (ignored []string) {
	keys := map[string]string{}
	for _, key := range known {
		keys[Variable(key)] = key
	}
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		value, ofFile := environ[name], strings.TrimSuffix(name, "_FILE")
		switch {
		case !strings.HasPrefix(name, envPrefix) || value == "":
		case keys[name] != "":
			f.set(v, keys[name], name, value)
		case keys[ofFile] != "" && environ[ofFile] != "":
			f.Add("%s and %s are both set: unset one", ofFile, name)
		case keys[ofFile] != "":
			content, err := ReadFile(value)
			if err != nil {
				f.Add("%s: %v", name, err)
			} else {
				f.set(v, keys[ofFile], name, string(content))
			}
		case isSimilar(name, value, known):
			section, _, _ := strings.Cut(strings.TrimPrefix(name, envPrefix), "_")
			f.Add("%s is not a setting: correct or unset it (%s)", name, suggest(strings.ToLower(section), known))
		default:
			ignored = append(ignored, name)
		}
	}
	return ignored
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

// suggest lists the settings of the section of a misspelt key, or else all.
func suggest(section string, known []string) string {
	similar := slices.DeleteFunc(slices.Clone(known), func(k string) bool { return !strings.HasPrefix(k, section+".") })
	if len(similar) == 0 {
		similar = known
	}
	return "known: " + strings.Join(similar, ", ")
}
