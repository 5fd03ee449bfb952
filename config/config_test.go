package config_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"

	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/parts"
)

// load reads the settings from a file with this text, and from the variables. It
// sets a secret if environ sets none.
func load(t testing.TB, text string, environ ...string) (config.Settings, error) {
	t.Helper()
	if !strings.Contains(strings.Join(environ, "\n"), "APP_JWT_SECRET") {
		environ = append(environ, "APP_JWT_SECRET="+string(settings.NewSecret().Bytes()))
	}
	return config.Load(write(t, text), environ)
}

func write(t testing.TB, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil { //nolint:gosec // in a folder of this test
		t.Fatal(err)
	}
	return file
}

// one returns the only fault of err.
func one(t *testing.T, err error) string {
	t.Helper()
	var faults settings.Faults
	if !errors.As(err, &faults) || len(faults) != 1 {
		t.Fatalf("%v, want one fault", err)
	}
	return faults[0]
}

// Its values may be others than the defaults.
func TestConfigYAMLHasEverySettingAndNoOther(t *testing.T) {
	path, err := filepath.Abs("../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	file, sections := viper.New(), app.Sections(parts.All())
	file.SetConfigFile(path)
	if err := file.ReadInConfig(); err != nil {
		t.Fatal(err)
	}
	missing := slices.DeleteFunc(all(t, config.Defaults(sections...), sections).AllKeys(), func(key string) bool { return slices.Contains(file.AllKeys(), key) })
	if len(missing) > 0 {
		t.Errorf("config.yaml does not have %v", missing)
	}
	if _, err := config.Load(path, nil, sections...); err != nil && strings.Contains(err.Error(), "is not a setting") {
		t.Error(err)
	}
}

// all has the settings by their keys, also those of the sections.
func all(t *testing.T, s config.Settings, sections []config.Section) *viper.Viper {
	t.Helper()
	v := viper.New()
	for _, of := range append(config.Others(s, sections), settings.Other{Into: s}) {
		var values map[string]any
		err := mapstructure.Decode(of.Into, &values)
		maps.DeleteFunc(values, func(_ string, value any) bool { // whose keys are up to the file
			kind := reflect.TypeOf(value)
			return kind != nil && kind.Kind() == reflect.Map && kind.Elem().Kind() == reflect.Struct
		})
		if of.Section != "" {
			values = map[string]any{of.Section: values}
		}
		if err := errors.Join(err, v.MergeConfigMap(values)); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func TestAWrongSettingIsReportedWithAdvice(t *testing.T) {
	for want, c := range map[string][2]string{
		`environment: "staging" is neither development nor production`:       {"environment: staging"},
		"jwt.refresh_ttl: 10m0s is less than jwt.access_ttl, 15m0s":          {"jwt: {refresh_ttl: 10m}"},
		"jwt.refresh_ttl: 1h0m0.5s is not a whole number of seconds":         {"jwt: {refresh_ttl: 3600500ms}"},
		"jwt.refresh_grace: -1s is negative: write 0":                        {"jwt: {refresh_grace: -1s}"},
		"jwt.revocation_lag: -1s is negative: write 0":                       {"jwt: {revocation_lag: -1s}"},
		"jwt.max_sessions: 0 is not greater than 0: a login needs a session": {"jwt: {max_sessions: 0}"},
		"jwt.secret: is empty: set APP_JWT_SECRET":                           {"environment: production", "APP_JWT_SECRET="},
		"jwt.secret: has 5 bytes, fewer than 32: set APP_JWT_SECRET":         {"", "APP_JWT_SECRET=short"},
	} {
		_, err := load(t, c[0], c[1])
		if fault := one(t, err); !strings.HasPrefix(fault, want) {
			t.Errorf("%s\nwant %s", fault, want)
		}
	}
}

func TestTheFaultsOfAllSectionsAreReportedAtOnce(t *testing.T) {
	type own struct {
		Keep time.Duration `mapstructure:"keep"`
	}
	section := config.NewSection("own", own{Keep: time.Hour}, func(f *settings.Faults, _ config.Settings, s own) {
		f.Section("own").Positive("keep", s.Keep)
	})
	read, err := config.Load(write(t, "{server: {max_body: 0}, database: {url: x}, login: {window: 0s}, jwt: {issuer: ''}, password: {min_length: 0}, log: {level: x}, own: {keep: 0s}}"), nil, section)
	var faults settings.Faults
	if !errors.As(err, &faults) || len(faults) != 7 || read.Environment != "" {
		t.Errorf("%v\nwant 7 faults", err)
	}
}

func TestDevelopmentStoresASecretThatIsNotWeak(t *testing.T) {
	t.Chdir(t.TempDir())
	made, err := config.Load(settings.DefaultFile, nil)
	again, errAgain := config.Load(settings.DefaultFile, nil)
	if errors.Join(err, errAgain) != nil || len(made.JWT.Secret) != 43 || made.JWT.Secret != again.JWT.Secret {
		t.Errorf("%d bytes, %v, %v", len(made.JWT.Secret), err, errAgain)
	}
	if err := os.WriteFile("data/jwt_secret", []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = config.Load(settings.DefaultFile, nil); !strings.HasPrefix(one(t, err), "jwt.secret: has 5 bytes") {
		t.Error(err)
	}
}
