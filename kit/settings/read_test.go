package settings_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/kit/settings"
)

// program has a setting of each type.
type program struct {
	Environment string     `mapstructure:"environment"`
	Server      web        `mapstructure:"server"`
	JWT         signatures `mapstructure:"jwt"`
	Ignored     []string   `mapstructure:"-"`
}

type web struct {
	Limits  `mapstructure:",squash"`
	Address string   `mapstructure:"address"`
	Origins []string `mapstructure:"origins"`
	Docs    *bool    `mapstructure:"docs"`
}

type Limits struct {
	MaxBody settings.Size `mapstructure:"max_body"`
	Workers int           `mapstructure:"workers"`
	Timeout time.Duration `mapstructure:"timeout"`
}

type signatures struct {
	Secret   settings.Secret   `mapstructure:"secret"`
	Previous []settings.Secret `mapstructure:"previous"`
}

func defaults() program {
	return program{Environment: settings.Development, Server: web{Limits{settings.MiB, 4, time.Minute}, ":80", nil, nil}}
}

var key = string(settings.NewSecret().Bytes())

// load reads the settings from a file with this text, and from the variables.
func load(t testing.TB, text string, environ ...string) (program, settings.Faults) {
	t.Helper()
	return loadFile(write(t, text), environ...)
}

func loadFile(file string, environ ...string) (program, settings.Faults) {
	s := defaults()
	var faults settings.Faults
	s.Ignored = faults.Read(file, environ, &s)
	return s, faults
}

func write(t testing.TB, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil { //nolint:gosec // in a folder of this test
		t.Fatal(err)
	}
	return file
}

func TestSettingsAreRead(t *testing.T) {
	address := func(s program) any { return s.Server.Address }
	origins := func(s program) any { return s.Server.Origins }
	size := func(s program) any { return s.Server.MaxBody }
	secret := func(s program) any { return string(s.JWT.Secret) }
	previous := func(s program) any { return s.JWT.Previous }
	both := []settings.Secret{"a", "b"}
	long := strings.Repeat("x", 64<<10)
	for claim, c := range map[string]struct {
		file    string
		environ []string
		get     func(program) any
		want    any
	}{
		"a default is read":                          {"", nil, address, ":80"},
		"the file wins over the default":             {"server: {address: ':81'}", nil, address, ":81"},
		"a setting without a value is unset":         {"server:\n  address:\n", nil, address, ":80"},
		"a variable wins over the file":              {"server: {address: ':81'}", []string{"APP_SERVER_ADDRESS=:82"}, address, ":82"},
		"_FILE wins over the file":                   {"server: {address: ':81'}", []string{"APP_SERVER_ADDRESS_FILE=" + write(t, ":83")}, address, ":83"},
		"an empty variable counts as unset":          {"server: {address: ':81'}", []string{"APP_SERVER_ADDRESS="}, address, ":81"},
		"a variable with only a line end is unset":   {"", []string{"APP_SERVER_ADDRESS=\r\n"}, address, ":80"},
		"a variable is read without its CRLF":        {"", []string{"APP_SERVER_ADDRESS=:82\r\n"}, address, ":82"},
		"a block of the file is read without its LF": {"server:\n  address: |\n    :81\n", nil, address, ":81"},
		"_FILE is read without its LF":               {"", []string{"APP_JWT_SECRET_FILE=" + write(t, key+"\n")}, secret, key},
		"_FILE is read without its CRLF":             {"", []string{"APP_JWT_SECRET_FILE=" + write(t, key+"\r\n")}, secret, key},
		"_FILE may have 64 KiB":                      {"", []string{"APP_SERVER_ADDRESS_FILE=" + write(t, long)}, address, long},
		"a value may hold an equals sign":            {"", []string{"APP_JWT_SECRET=" + key + "="}, secret, key + "="},
		"variables of others are ignored":            {"", []string{"SERVER_ADDRESS=:82", "APPLE=1"}, address, ":80"},
		"another program's variable is reported": {
			"",
			[]string{"APP_HOME=/srv", "APP_PORT=tcp://10.0.0.1:80", "APP_SERVICE_HOST=10.0.0.1", "APP_SERVER_PORT_80_TCP_ADDR=10.0.0.1", "APP_SERVER_SERVICE_PORT=80"},
			func(s program) any { return s.Ignored },
			[]string{"APP_HOME", "APP_PORT", "APP_SERVER_PORT_80_TCP_ADDR", "APP_SERVER_SERVICE_PORT", "APP_SERVICE_HOST"},
		},
		"a list is split at commas":                 {"", []string{"APP_SERVER_ORIGINS=https://a.example, https://b.example"}, origins, []string{"https://a.example", "https://b.example"}},
		"a list in the file is read":                {"server: {origins: [https://a.example]}", nil, origins, []string{"https://a.example"}},
		"secrets are split at commas":               {"", []string{"APP_JWT_PREVIOUS=a,b"}, previous, both},
		"secrets of a _FILE are split at line ends": {"", []string{"APP_JWT_PREVIOUS_FILE=" + write(t, "a\r\nb\n")}, previous, both},
		"secrets in the file are a list":            {"jwt: {previous: [a, b]}", nil, previous, both},
		"1MiB is 1048576 bytes":                     {"server: {max_body: 1MiB}", nil, size, settings.Size(1048576)},
		"1MB is 1000000 bytes":                      {"", []string{"APP_SERVER_MAX_BODY=1MB"}, size, settings.Size(1000000)},
		"a size without a unit is in bytes":         {"server: {max_body: 512}", nil, size, settings.Size(512)},
		"a duration has its unit":                   {"", []string{"APP_SERVER_TIMEOUT=1h30m"}, func(s program) any { return s.Server.Timeout }, 90 * time.Minute},
		"a duration may be 0":                       {"server: {timeout: 0}", nil, func(s program) any { return s.Server.Timeout }, time.Duration(0)},
		"a number is read":                          {"", []string{"APP_SERVER_WORKERS=10"}, func(s program) any { return s.Server.Workers }, 10},
		"a boolean is read":                         {"", []string{"APP_SERVER_DOCS=false"}, func(s program) any { return *s.Server.Docs }, false},
	} {
		t.Run(claim, func(t *testing.T) {
			s, faults := load(t, c.file, c.environ...)
			if got := c.get(s); !reflect.DeepEqual(got, c.want) || len(faults) > 0 {
				t.Errorf("%#v, want %#v; %v", got, c.want, faults)
			}
		})
	}
}

func TestDotEnvIsReadInDevelopmentOnly(t *testing.T) {
	for claim, c := range map[string]struct {
		dotEnv, file string
		environ      []string
		want         string // the address, or the start of the fault
	}{
		".env wins over the file":              {"APP_SERVER_ADDRESS=:82", "server: {address: ':81'}", nil, ":82"},
		"a variable wins over .env":            {"APP_SERVER_ADDRESS=:82", "", []string{"APP_SERVER_ADDRESS=:83"}, ":83"},
		"an empty variable wins over .env":     {"APP_SERVER_ADDRESS=:82", "", []string{"APP_SERVER_ADDRESS="}, ":80"},
		"quotes, export and comments are read": {"# mine\nexport APP_SERVER_ADDRESS=\"a b\"\n", "", nil, "a b"},
		"variables without APP_ are ignored":   {"POSTGRES_PASSWORD=x\nAPP_SERVER_ADDRESS=:82", "", nil, ":82"},
		"not in production by the file":        {"APP_SERVER_ADDRESS=:82", "environment: production", nil, ":80"},
		"not in production by a variable":      {"APP_SERVER_ADDRESS=:82", "", []string{"APP_ENVIRONMENT=production"}, ":80"},
		"not in production by a Windows file":  {"APP_SERVER_ADDRESS=:82", "", []string{"APP_ENVIRONMENT=production\r"}, ":80"},
		"a misspelt variable":                  {"APP_SERVER_ADRESS=x", "", nil, "APP_SERVER_ADRESS is not a setting"}, //nolint:misspell // on purpose
		"a line that is not a variable":        {"the secret word", "", nil, ".env: cannot be read: write NAME=value on each line"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile(".env", []byte(c.dotEnv), 0o600); err != nil {
				t.Fatal(err)
			}
			s, faults := load(t, c.file, c.environ...)
			if got := append(slices.Clone(faults), s.Server.Address)[0]; !strings.HasPrefix(got, c.want) || len(faults) > 1 {
				t.Errorf("%q, want %q; %v", got, c.want, faults)
			}
		})
	}
}

func TestSettingsOfASectionMayBeInSeveralStructs(t *testing.T) {
	type page struct {
		Title string `mapstructure:"title"`
	}
	type cache struct {
		Lines int `mapstructure:"lines"`
	}
	type backup struct {
		Every time.Duration `mapstructure:"every"`
	}
	for claim, c := range map[string]struct{ file, variable, want, fault string }{
		"the defaults stay":                       {"", "", ":80 Docs 9 1h0m0s", ""},
		"a key beside those of another struct":    {"server: {address: ':81', title: Mine, lines: 5}", "", ":81 Mine 5 1h0m0s", ""},
		"a key of a section of its own":           {"backup: {every: 2h}", "", ":80 Docs 9 2h0m0s", ""},
		"a variable sets a key":                   {"backup: {every: 2h}", "APP_BACKUP_EVERY=3h", ":80 Docs 9 3h0m0s", ""},
		"a variable sets a key of a section":      {"server: {title: Mine}", "APP_SERVER_LINES=5", ":80 Mine 5 1h0m0s", ""},
		"a _FILE sets a key":                      {"", "APP_SERVER_TITLE_FILE=" + write(t, "Mine\n"), ":80 Mine 9 1h0m0s", ""},
		"a wrong value is named with its section": {"backup: {every: 5}", "", ":80 Docs 9 1h0m0s", "backup.every: 5 is not a duration"},
		"a wrong value beside those of others":    {"server: {address: ':81', lines: many}", "", ":81 Docs 9 1h0m0s", "server.lines: many is not a whole number"},
		"an unknown key of a section":             {"server: {titel: Mine}", "", ":80 Docs 9 1h0m0s", "server.titel is not a setting: correct or remove it (known: server.address, server.docs, server.lines, server.max_body, server.origins, server.timeout, server.title, server.workers)"},
		"an unknown key of a section of its own":  {"backup: {evry: 2h}", "", ":80 Docs 9 1h0m0s", "backup.evry is not a setting: correct or remove it (known: backup.every)"},
		"an unknown section":                      {"backups: {every: 2h}", "", ":80 Docs 9 1h0m0s", "backups.every is not a setting: correct or remove it (known: backup.every, environment, "},
		"a misspelt variable":                     {"", "APP_BACKUP_EVRY=2h", ":80 Docs 9 1h0m0s", "APP_BACKUP_EVRY is not a setting: correct or unset it (known: backup.every)"},
		"a section that is a number":              {"backup: 5", "", ":80 Docs 9 1h0m0s", "backup is not a setting"},
	} {
		t.Run(claim, func(t *testing.T) {
			s, page, cache, backup := defaults(), page{"Docs"}, cache{9}, backup{time.Hour}
			others := []settings.Other{{Section: "server", Into: &page}, {Section: "server", Into: &cache}, {Section: "backup", Into: &backup}}
			var faults settings.Faults
			file := write(t, c.file)
			ignored := faults.Read(file, []string{c.variable}, &s, others...)
			if got := fmt.Sprint(s.Server.Address, " ", page.Title, " ", cache.Lines, " ", backup.Every); got != c.want || len(ignored) > 0 {
				t.Errorf("%s, want %s; ignored are %v", got, c.want, ignored)
			}
			if fault := strings.TrimPrefix(faults.Error(), file+": "); !strings.HasPrefix(fault, c.fault) || len(faults) > 1 || (len(faults) == 0) != (c.fault == "") {
				t.Errorf("%v\nwant %s", faults, c.fault)
			}
		})
	}
}

func TestANamedFileMustExist(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, faults := loadFile(settings.DefaultFile); len(faults) > 0 {
		t.Error("the default file may be missing:", faults)
	}
	if _, faults := loadFile("other.yaml"); faults.Error() != "other.yaml: cannot be read: no such file or directory" {
		t.Error(faults)
	}
}

// providers is a section with a map of structs.
type providers struct {
	Providers map[string]struct {
		Issuer string          `mapstructure:"issuer"`
		Secret settings.Secret `mapstructure:"secret"`
		Scopes []string        `mapstructure:"scopes"`
		Trust  bool            `mapstructure:"trust"`
	} `mapstructure:"providers"`
}

func TestTheFileNamesTheEntriesOfAMap(t *testing.T) {
	const file = "login:\n  providers:\n    one:\n      issuer: https://one\n      scopes: [a, b]\n    two:\n      trust: true\n"
	for claim, c := range map[string]struct {
		file, variable, want string
	}{
		"no entry":                        {"login:\n  providers: {}\n", "", "map[]"},
		"two entries":                     {file, "", "map[one:{https://one ******** [a b] false} two:{ ******** [] true}]"},
		"a secret in a variable":          {file, "APP_LOGIN_PROVIDERS_ONE_SECRET=x", "secret x"},
		"a list in a variable":            {file, "APP_LOGIN_PROVIDERS_TWO_SCOPES=c,d", "two:{ ******** [c d] true}"},
		"a misspelt key":                  {strings.Replace(file, "issuer", "isuer", 1), "", "login.providers.one.isuer is not a setting: correct or remove it (known: login.providers.one.issuer"},
		"an entry that is not a map":      {"login:\n  providers:\n    one: https://one\n", "", "login.providers.one is not a setting"},
		"a list in place of the map":      {"login:\n  providers: [one]\n", "", "login.providers is not a setting"},
		"an entry in a variable only":     {file, "APP_LOGIN_PROVIDERS_THREE_ISSUER=https://three", "APP_LOGIN_PROVIDERS_THREE_ISSUER is not a setting"},
		"a value that is not of its type": {strings.Replace(file, "true", "perhaps", 1), "", "perhaps is neither true nor false"},
	} {
		t.Run(claim, func(t *testing.T) {
			var read providers
			var faults settings.Faults
			faults.Read(write(t, c.file), []string{c.variable}, &struct{}{}, settings.Other{Section: "login", Into: &read})
			got := fmt.Sprint(read.Providers, faults, " secret ", string(read.Providers["one"].Secret.Bytes()))
			if !strings.Contains(got, c.want) || (len(faults) > 0) != strings.Contains(c.want, "is n") {
				t.Errorf("read %s, want %s", got, c.want)
			}
		})
	}
}
