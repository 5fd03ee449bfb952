package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/kit/settings"
)

func TestAWrongSettingIsReportedWithAdvice(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for claim, c := range map[string]struct{ file, variable, want string }{
		"a misspelt key":                          {"server: {adress: x}", "", "server.adress is not a setting: correct or remove it (known: server.address, server.docs, "}, //nolint:misspell // on purpose
		"a misspelt section":                      {"sever: {address: x}", "", "sever.address is not a setting: correct or remove it (known: environment, jwt.previous, "},
		"a section that is a number":              {"server: 8080", "", "server is not a setting: correct or remove it (known: server.address, "},
		"a setting that is a section":             {"server: {address: {value: x}}", "", "server.address.value is not a setting"},
		"a file that is not YAML":                 {"a: [", "", "cannot be read: "},
		"a file that is a sentence":               {"all is well", "", "cannot be read: "},
		"a misspelt variable":                     {"", "APP_SERVER_ADRESS=x", "APP_SERVER_ADRESS is not a setting: correct or unset it (known: server.address, "}, //nolint:misspell // on purpose
		"an unknown variable of a section":        {"", "APP_SERVER_PORT=9000", "APP_SERVER_PORT is not a setting"},
		"a variable that is the start of another": {"", "APP_ENV=production", "APP_ENV is not a setting"},
		"a variable with two wrong letters":       {"", "APP_ENVYRONMANT=production", "APP_ENVYRONMANT is not a setting"},
		"a misspelt _FILE variable":               {"", "APP_JWT_SECRE_FILE=x", "APP_JWT_SECRE_FILE is not a setting"},
		"a variable with a second line":           {"", "APP_SERVER_ADDRESS=a\nb", "APP_SERVER_ADDRESS: has a second line"},
		"a variable with a control character":     {"", "APP_SERVER_ADDRESS=a\tb", "APP_SERVER_ADDRESS: has a control character"},
		"a variable with a C1 control character":  {"", "APP_SERVER_ADDRESS=a\u0085b", "APP_SERVER_ADDRESS: has a control character"},
		"a variable with a byte order mark":       {"", "APP_SERVER_ADDRESS=\ufeffa", "APP_SERVER_ADDRESS: begins with a byte order mark"},
		"a list with a control character":         {"", "APP_SERVER_ORIGINS=a,b\x00c", "APP_SERVER_ORIGINS: has a control character"},
		"a value of the file with a second line":  {"server: {address: \"a\\nb\"}", "", "server.address: has a second line"},
		"a _FILE with a second line":              {"", "APP_JWT_SECRET_FILE=" + write(t, "a\nb\n"), "APP_JWT_SECRET_FILE: has a second line"},
		"a _FILE with a byte order mark":          {"", "APP_JWT_SECRET_FILE=" + write(t, "\ufeffa"), "APP_JWT_SECRET_FILE: begins with a byte order mark"},
		"a _FILE in UTF-16":                       {"", "APP_JWT_SECRET_FILE=" + write(t, "\xff\xfea\x00b\x00"), "APP_JWT_SECRET_FILE: has a control character"},
		"a _FILE of more than 64 KiB":             {"", "APP_JWT_SECRET_FILE=" + write(t, strings.Repeat("x", 64<<10+1)), " has more than 64 KiB"},
		"a _FILE without an end":                  {"", "APP_JWT_SECRET_FILE=/dev/zero", "APP_JWT_SECRET_FILE: /dev/zero has more than 64 KiB"},
		"a _FILE that its group may write":        {"", "APP_JWT_SECRET_FILE=" + writable(t, 0o620), "others may write it: run chmod go-w "},
		"a _FILE that everybody may write":        {"", "APP_JWT_SECRET_FILE=" + writable(t, 0o602), "others may write it: run chmod go-w "},
		"a _FILE that is missing":                 {"", "APP_SERVER_ADDRESS_FILE=" + missing, "APP_SERVER_ADDRESS_FILE: open " + missing + ": no such file"},
		"a bare number for a duration":            {"server: {timeout: 900}", "", "server.timeout: 900 is not a duration: write a number with its unit, such as 90s, 15m or 24h"},
		"a bare number in a variable":             {"", "APP_SERVER_TIMEOUT=900", "server.timeout: 900 is not a duration: write a number with its unit"},
		"a list for a duration":                   {"server: {timeout: [15m]}", "", "server.timeout: [15m] is not a duration"},
		"a size that is a word":                   {"", "APP_SERVER_MAX_BODY=big", "server.max_body: big is not a size: write a number with its unit, such as 512KiB or 1MiB"},
		"a size that is too large":                {"server: {max_body: 16EiB}", "", "server.max_body: 16EiB is not a size"},
		"a size that is a boolean":                {"server: {max_body: true}", "", "server.max_body: true is not a size"},
		"a number that is a word":                 {"", "APP_SERVER_WORKERS=many", "server.workers: many is not a whole number"},
		"a number with a fraction":                {"server: {workers: 12.7}", "", "server.workers: 12.7 is not a whole number"},
		"a boolean that is a word":                {"", "APP_SERVER_DOCS=maybe", "server.docs: maybe is neither true nor false"},
		"a text that is a boolean":                {"server: {address: true}", "", "server.address: true is not a string"},
		"secrets that are a list of lists":        {"jwt: {previous: [[a]]}", "", "jwt.previous: is not a list"},
	} {
		t.Run(claim, func(t *testing.T) {
			_, faults := load(t, c.file, c.variable)
			if len(faults) != 1 || !strings.Contains(faults.Error(), c.want) {
				t.Errorf("%v\nwant %s", faults, c.want)
			}
		})
	}
}

func writable(t *testing.T, mode os.FileMode) (file string) {
	t.Helper()
	file = write(t, key)
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestASettingAndItsFileAreNotBothSet(t *testing.T) {
	_, faults := load(t, "", "APP_JWT_SECRET="+key, "APP_JWT_SECRET_FILE="+write(t, key))
	if faults.Error() != "APP_JWT_SECRET and APP_JWT_SECRET_FILE are both set: unset one" {
		t.Error(faults)
	}
}

func TestAValueThatCannotBeReadKeepsItsDefault(t *testing.T) {
	s, faults := load(t, "server: {timeout: soon, workers: many}")
	if s.Server.Timeout != time.Minute || s.Server.Workers != 4 || len(faults) != 2 {
		t.Errorf("%+v, %v", s.Server, faults)
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	s, faults := load(t, "server: {adress: x, timeout: soon, max_body: much}", "APP_SERVER_WORKERS=many", "APP_JWT_SECRE=x") //nolint:misspell // on purpose
	faults.Section("jwt").Strength("secret", s.JWT.Secret, "set it")
	if len(faults) != 6 || !strings.HasPrefix(faults.Error(), "6 settings are wrong:\n  ") {
		t.Fatalf("%v\nwant 6 faults", faults)
	}
	for _, fault := range faults {
		if !strings.Contains(faults.Error(), "\n  "+fault) {
			t.Errorf("the error does not contain: %s", fault)
		}
	}
}

func TestASectionChecksItsValues(t *testing.T) {
	for want, check := range map[string]func(settings.Section){
		"":                              func(f settings.Section) { f.Lifetime("ttl", time.Hour) },
		"x.ttl: -1s is not greater":     func(f settings.Section) { f.Positive("ttl", -time.Second) },
		"x.ttl: 0s is not greater":      func(f settings.Section) { f.Lifetime("ttl", 0) },
		"x.ttl: 1.5s is not a whole":    func(f settings.Section) { f.Lifetime("ttl", 1500*time.Millisecond) },
		"x.n: 0 is not greater than 0:": func(f settings.Section) { f.AtLeast("n", 0, 1, "") },
		`x.at: "localhost" is not HOST:PORT, such as 127.0.0.1:8080`: func(f settings.Section) { f.Address("at", "localhost") },
		`x.at: ":65536" is not HOST:PORT`:                            func(f settings.Section) { f.Address("at", ":65536") },
	} {
		var faults settings.Faults
		check(faults.Section("x"))
		if len(faults) > 1 || !strings.HasPrefix(faults.Error(), want) || want == "" && len(faults) > 0 {
			t.Errorf("%v, want %q", faults, want)
		}
	}
}
