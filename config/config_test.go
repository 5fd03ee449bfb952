package config_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/token"
)

var key = string(settings.NewSecret().Bytes())

// load reads the settings from a file with this text, and from the variables. It
// sets a secret if environ sets none.
func load(t testing.TB, text string, environ ...string) (config.Settings, error) {
	t.Helper()
	if !strings.Contains(strings.Join(environ, "\n"), "APP_JWT_SECRET") {
		environ = append(environ, "APP_JWT_SECRET="+key)
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

func writable(t *testing.T, mode os.FileMode, text string) (file string) {
	t.Helper()
	file = write(t, text)
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDotEnvIsReadInDevelopmentOnly(t *testing.T) {
	for claim, c := range map[string]struct {
		dotEnv, file string
		environ      []string
		want         string // the value of jwt.issuer, or the start of the fault
	}{
		".env wins over the file":              {"APP_JWT_ISSUER=dotenv", "jwt: {issuer: file}", nil, "dotenv"},
		"a variable wins over .env":            {"APP_JWT_ISSUER=dotenv", "", []string{"APP_JWT_ISSUER=variable"}, "variable"},
		"an empty variable wins over .env":     {"APP_JWT_ISSUER=dotenv", "", []string{"APP_JWT_ISSUER="}, config.Defaults().JWT.Issuer},
		"quotes, export and comments are read": {"# mine\nexport APP_JWT_ISSUER=\"a b\"\n", "", nil, "a b"},
		"variables without APP_ are ignored":   {"POSTGRES_PASSWORD=x\nAPP_JWT_ISSUER=dotenv", "", nil, "dotenv"},
		"not in production by the file":        {"APP_JWT_ISSUER=dotenv", "environment: production", nil, config.Defaults().JWT.Issuer},
		"not in production by a Windows file":  {"APP_JWT_ISSUER=dotenv", "", []string{"APP_ENVIRONMENT=production\r"}, config.Defaults().JWT.Issuer},
		"not in production by a variable":      {"APP_JWT_ISSUER=dotenv", "", []string{"APP_ENVIRONMENT=production"}, config.Defaults().JWT.Issuer},
		"a misspelt variable":                  {"APP_JWT_ISUER=x", "", nil, "APP_JWT_ISUER is not a setting"},
		"a line that is not a variable":        {"the secret word", "", nil, ".env: cannot be read: write NAME=value on each line"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile(".env", []byte(c.dotEnv), 0o600); err != nil {
				t.Fatal(err)
			}
			read, err := load(t, c.file, c.environ...)
			if err != nil && !strings.HasPrefix(one(t, err), c.want) || err == nil && read.JWT.Issuer != c.want {
				t.Errorf("%q, %v, want %q", read.JWT.Issuer, err, c.want)
			}
		})
	}
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

func TestConfigYAMLEqualsTheDefaults(t *testing.T) {
	file, err := filepath.Abs("../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	read, err := config.Load(file, nil)
	// %+v prints an empty list like nil, and every secret as stars.
	if got, want := fmt.Sprintf("%+v", read), fmt.Sprintf("%+v", config.Defaults()); err != nil || got != want {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}

	var defaults map[string]any
	known, written := viper.New(), viper.New()
	written.SetConfigFile(file)
	if err := errors.Join(mapstructure.Decode(config.Defaults(), &defaults), known.MergeConfigMap(defaults), written.ReadInConfig()); err != nil {
		t.Fatal(err)
	}
	got, want := slices.Sorted(slices.Values(written.AllKeys())), slices.Sorted(slices.Values(known.AllKeys()))
	if !slices.Equal(got, want) {
		t.Errorf("config.yaml has %v\nwant %v", got, want)
	}
}

func TestSettingsAreRead(t *testing.T) {
	secret := func(s config.Settings) any { return string(s.JWT.Secret.Bytes()) }
	previous := func(s config.Settings) any {
		var secrets []string
		for _, secret := range s.JWT.PreviousSecrets {
			secrets = append(secrets, string(secret.Bytes()))
		}
		return secrets
	}
	docs := func(s config.Settings) any { return s.ShowDocs() }
	level := func(s config.Settings) any { return s.Log.Level }
	origins := func(s config.Settings) any { return s.Server.CORSOrigins }
	maxBody := func(s config.Settings) any { return s.Server.MaxBody }
	for name, c := range map[string]struct {
		file    string
		environ []string
		get     func(config.Settings) any
		want    any
	}{
		"a default is read":                          {"", nil, level, "info"},
		"the file wins over the default":             {"log: {level: warn}", nil, level, "warn"},
		"a Unix socket is a host":                    {"", []string{"APP_DATABASE_URL=postgres://u:p@/db?host=/cloudsql/x"}, func(s config.Settings) any { return s.Database.URL }, "postgres://u:p@/db?host=/cloudsql/x"},
		"another program's variable is ignored":      {"", []string{"APP_HOME=/srv", "APP_PORT=tcp://10.0.0.1:80", "APP_SERVICE_HOST=10.0.0.1", "APP_SERVER_PORT_80_TCP_ADDR=10.0.0.1", "APP_SERVER_SERVICE_PORT=80"}, func(s config.Settings) any { return s.Ignored }, []string{"APP_HOME", "APP_PORT", "APP_SERVER_PORT_80_TCP_ADDR", "APP_SERVER_SERVICE_PORT", "APP_SERVICE_HOST"}},
		"a variable wins over the file":              {"log: {level: warn}", []string{"APP_LOG_LEVEL=debug"}, level, "debug"},
		"an empty variable counts as unset":          {"log: {level: warn}", []string{"APP_LOG_LEVEL="}, level, "warn"},
		"a variable with only a line end is unset":   {"log: {level: warn}", []string{"APP_LOG_LEVEL=\r\n"}, level, "warn"},
		"variables of others are ignored":            {"", []string{"LOG_LEVEL=debug", "APPLE=1"}, level, "info"},
		"a setting without a value is unset":         {"log:\n  level:\n", nil, level, "info"},
		"a list is split at commas":                  {"", []string{"APP_SERVER_CORS_ORIGINS=https://a.example, https://b.example"}, origins, []string{"https://a.example", "https://b.example"}},
		"an app's origin":                            {"server: {cors_origins: ['capacitor://localhost', 'tauri://localhost']}", nil, origins, []string{"capacitor://localhost", "tauri://localhost"}},
		"an origin is normalized":                    {"server: {cors_origins: ['HTTPS://Bücher.Example:443', 'http://[::1]:3000']}", nil, origins, []string{"https://xn--bcher-kva.example", "http://[::1]:3000"}},
		"a list in the file is read":                 {"server: {cors_origins: [https://a.example]}", nil, origins, []string{"https://a.example"}},
		"_FILE is read without its LF":               {"", []string{"APP_JWT_SECRET_FILE=" + write(t, key+"\n")}, secret, key},
		"_FILE is read without its CRLF":             {"", []string{"APP_JWT_SECRET_FILE=" + write(t, key+"\r\n")}, secret, key},
		"a variable is read without its LF":          {"", []string{"APP_LOG_LEVEL=warn\n"}, level, "warn"},
		"a variable is read without its CRLF":        {"", []string{"APP_DATABASE_URL=sqlite://x.db\r\n"}, func(s config.Settings) any { return s.Database.URL }, "sqlite://x.db"},
		"a block of the file is read without its LF": {"log:\n  level: |\n    warn\n", nil, level, "warn"},
		"_FILE may have 64 KiB":                      {"", []string{"APP_JWT_ISSUER_FILE=" + write(t, strings.Repeat("x", 64<<10))}, func(s config.Settings) any { return len(s.JWT.Issuer) }, 64 << 10},
		"_FILE wins over the file":                   {"log: {level: warn}", []string{"APP_LOG_LEVEL_FILE=" + write(t, "error")}, level, "error"},
		"a value may hold an equals sign":            {"", []string{"APP_JWT_SECRET=" + key + "="}, secret, key + "="},
		"1MiB is 1048576 bytes":                      {"server: {max_body: 1MiB}", nil, maxBody, settings.Size(1048576)},
		"1MB is 1000000 bytes":                       {"", []string{"APP_SERVER_MAX_BODY=1MB"}, maxBody, settings.Size(1000000)},
		"a size without a unit is in bytes":          {"server: {max_body: 512}", nil, maxBody, settings.Size(512)},
		"a duration has its unit":                    {"", []string{"APP_JWT_ACCESS_TTL=1h30m"}, func(s config.Settings) any { return s.JWT.AccessTTL }, 90 * time.Minute},
		"revocation_lag may be 0":                    {"jwt: {revocation_lag: 0}", nil, func(s config.Settings) any { return s.JWT.RevocationLag }, time.Duration(0)},
		"secrets are split at commas":                {"", []string{"APP_JWT_PREVIOUS_SECRETS=" + key + "," + key + "2"}, previous, []string{key, key + "2"}},
		"secrets of a _FILE are split at line ends":  {"", []string{"APP_JWT_PREVIOUS_SECRETS_FILE=" + write(t, key+"\r\n"+key+"2\n")}, previous, []string{key, key + "2"}},
		"secrets in the file are a list":             {"jwt: {previous_secrets: [" + key + "]}", nil, previous, []string{key}},
		"docs are shown in development":              {"", nil, docs, true},
		"docs are not shown in production":           {"", []string{"APP_ENVIRONMENT=production"}, docs, false},
		"docs may be shown in production":            {"server: {docs: true}", []string{"APP_ENVIRONMENT=production"}, docs, true},
		"docs may be hidden in development":          {"", []string{"APP_SERVER_DOCS=false"}, docs, false},
		"refresh_grace may be 0":                     {"jwt: {refresh_grace: 0}", nil, func(s config.Settings) any { return s.JWT.RefreshGrace }, time.Duration(0)},
		"a number is read":                           {"", []string{"APP_PASSWORD_BCRYPT_COST=10"}, func(s config.Settings) any { return s.Password.BcryptCost }, 10},
		"production is read":                         {"", []string{"APP_ENVIRONMENT=production"}, func(s config.Settings) any { return s.Environment }, "production"},
		"a proxy may be an address or a network":     {"", []string{"APP_SERVER_TRUSTED_PROXIES=10.0.0.0/8,::1"}, func(s config.Settings) any { return len(s.Server.TrustedProxies) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			read, err := load(t, c.file, c.environ...)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.get(read); fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", c.want) {
				t.Errorf("%#v, want %#v", got, c.want)
			}
		})
	}
}

func TestAWrongSettingIsReportedWithAdvice(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	production := "APP_ENVIRONMENT=production"
	for name, c := range map[string]struct {
		file    string
		environ []string
		want    string
	}{
		"a misspelt key":                                      {"jwt: {acess_ttl: 5m}", nil, "jwt.acess_ttl is not a setting: correct or remove it (known: jwt.access_ttl, "},
		"a misspelt section":                                  {"jtw: {issuer: x}", nil, "jtw.issuer is not a setting: correct or remove it (known: database.lock_timeout, "},
		"a section that is a number":                          {"server: 8080", nil, "server is not a setting: correct or remove it (known: server.address, "},
		"a setting that is a section":                         {"log: {level: {value: info}}", nil, "log.level.value is not a setting"},
		"a misspelt variable":                                 {"", []string{"APP_JWT_ACESS_TTL=5m"}, "APP_JWT_ACESS_TTL is not a setting: correct or unset it (known: jwt.access_ttl, "},
		"an unknown variable of a section":                    {"", []string{"APP_SERVER_PORT=9000"}, "APP_SERVER_PORT is not a setting"},
		"a variable that is the start of another":             {"", []string{"APP_ENV=production"}, "APP_ENV is not a setting"},
		"a variable with two wrong letters":                   {"", []string{"APP_ENVYRONMANT=production"}, "APP_ENVYRONMANT is not a setting"},
		"a misspelt _FILE variable":                           {"", []string{"APP_JWT_SECRE_FILE=x"}, "APP_JWT_SECRE_FILE is not a setting"},
		"a variable with a second line":                       {"", []string{"APP_JWT_ISSUER=a\nb"}, "APP_JWT_ISSUER: has a second line"},
		"a variable with a control character":                 {"", []string{"APP_DATABASE_URL=sqlite://a\tb.db"}, "APP_DATABASE_URL: has a control character"},
		"a variable with a C1 control character":              {"", []string{"APP_JWT_AUDIENCE=a\u0085b"}, "APP_JWT_AUDIENCE: has a control character"},
		"a variable with a byte order mark":                   {"", []string{"APP_JWT_ISSUER=\ufeffa"}, "APP_JWT_ISSUER: begins with a byte order mark"},
		"a list with a control character":                     {"", []string{"APP_SERVER_CORS_HEADERS=a,b\x00c"}, "APP_SERVER_CORS_HEADERS: has a control character"},
		"a value of the file with a second line":              {"jwt: {issuer: \"a\\nb\"}", nil, "jwt.issuer: has a second line"},
		"a _FILE with a second line":                          {"", []string{"APP_JWT_SECRET_FILE=" + write(t, key+"\n"+key+"\n")}, "APP_JWT_SECRET_FILE: has a second line"},
		"a _FILE with a byte order mark":                      {"", []string{"APP_JWT_SECRET_FILE=" + write(t, "\ufeff"+key)}, "APP_JWT_SECRET_FILE: begins with a byte order mark"},
		"a _FILE in UTF-16":                                   {"", []string{"APP_JWT_SECRET_FILE=" + write(t, "\xff\xfe"+strings.Join(strings.Split(key, ""), "\x00")+"\x00")}, "APP_JWT_SECRET_FILE: has a control character"},
		"a _FILE of more than 64 KiB":                         {"", []string{"APP_JWT_SECRET_FILE=" + write(t, strings.Repeat(key, 2000))}, " has more than 64 KiB"},
		"a _FILE without an end":                              {"", []string{"APP_JWT_SECRET_FILE=/dev/zero"}, "APP_JWT_SECRET_FILE: /dev/zero has more than 64 KiB"},
		"a _FILE that its group may write":                    {"", []string{"APP_JWT_SECRET_FILE=" + writable(t, 0o620, key)}, "others may write it: run chmod go-w "},
		"a _FILE that everybody may write":                    {"", []string{"APP_JWT_SECRET_FILE=" + writable(t, 0o602, key)}, "others may write it: run chmod go-w "},
		"a key file that everybody may write":                 {"jwt: {algorithm: EdDSA, key_file: " + writable(t, 0o602, "x") + "}", nil, "others may write it: run chmod go-w "},
		"a setting and its _FILE":                             {"", []string{"APP_JWT_SECRET=" + key, "APP_JWT_SECRET_FILE=" + write(t, key)}, "APP_JWT_SECRET and APP_JWT_SECRET_FILE are both set: unset one"},
		"a _FILE that is missing":                             {"", []string{"APP_LOG_LEVEL_FILE=" + missing}, "APP_LOG_LEVEL_FILE: open " + missing + ": no such file"},
		"a file that is not YAML":                             {"a: [", nil, "cannot be read: "},
		"a file that is a sentence":                           {"all is well", nil, "cannot be read: "},
		"a bare number for a duration":                        {"jwt: {access_ttl: 900}", nil, "jwt.access_ttl: 900 is not a duration: write a number with its unit, such as 90s, 15m or 24h"},
		"a bare number in a variable":                         {"", []string{"APP_JWT_ACCESS_TTL=900"}, "jwt.access_ttl: 900 is not a duration: write a number with its unit"},
		"a list for a duration":                               {"jwt: {access_ttl: [15m]}", nil, "jwt.access_ttl: [15m] is not a duration"},
		"a negative lifetime":                                 {"jwt: {access_ttl: -15m}", nil, "jwt.access_ttl: -15m0s is not greater than 0"},
		"a lifetime of zero":                                  {"", []string{"APP_JWT_ACCESS_TTL=0"}, "jwt.access_ttl: 0s is not greater than 0"},
		"a lifetime with half a second":                       {"jwt: {access_ttl: 1500ms}", nil, "jwt.access_ttl: 1.5s is not a whole number of seconds"},
		"a negative lag":                                      {"jwt: {revocation_lag: -1s}", nil, "jwt.revocation_lag: -1s is negative: write 0"},
		"a base path without its slash":                       {"server: {base_path: v1}", nil, "server.base_path: \"v1\" is not a path such as /v1: start it with a slash, and do not end it with one"},
		"a base path that ends with a slash":                  {"server: {base_path: /v1/}", nil, "server.base_path: \"/v1/\" is not a path"},
		"a base path that leads up":                           {"server: {base_path: /../x}", nil, "server.base_path: \"/../x\" is not a path"},
		"a base path with a dot":                              {"server: {base_path: /v1/.}", nil, "server.base_path: \"/v1/.\" is not a path"},
		"a base path with a parameter":                        {"server: {base_path: /:v}", nil, "server.base_path: \"/:v\" is not a path"},
		"no sessions":                                         {"jwt: {max_sessions: 0}", nil, "jwt.max_sessions: 0 is not greater than 0: a login needs a session"},
		"no cached sessions":                                  {"jwt: {max_remembered: 0}", nil, "jwt.max_remembered: 0 is not greater than 0: to cache nothing, set jwt.revocation_lag to 0"},
		"no time to shut down":                                {"server: {shutdown_timeout: 0}", nil, "server.shutdown_timeout: 0s is not greater than 0"},
		"a negative delay":                                    {"server: {shutdown_delay: -1s}", nil, "server.shutdown_delay: -1s is negative: write 0"},
		"one database connection":                             {"database: {max_connections: 1}", nil, "database.max_connections: 1 is less than 2"},
		"no time for a statement":                             {"database: {statement_timeout: 0}", nil, "database.statement_timeout: 0s is not greater than 0"},
		"no time for a lock":                                  {"", []string{"APP_DATABASE_LOCK_TIMEOUT=0"}, "database.lock_timeout: 0s is not greater than 0"},
		"no time to wait":                                     {"password: {max_wait: 0s}", nil, "password.max_wait: 0s is not greater than 0"},
		"no issuer":                                           {"jwt: {issuer: ''}", nil, "jwt.issuer and jwt.audience: neither may be empty"},
		"a size that is a word":                               {"", []string{"APP_SERVER_MAX_BODY=big"}, "server.max_body: big is not a size: write a number with its unit, such as 512KiB or 1MiB"},
		"a size that is too large":                            {"server: {max_body: 16EiB}", nil, "server.max_body: 16EiB is not a size"},
		"a size of zero":                                      {"server: {max_body: 0}", nil, "server.max_body: must be greater than 0, such as 1MiB"},
		"no connections":                                      {"server: {max_connections: 0}", nil, "server.max_connections: 0 is not greater than 0"},
		"a proxy by name":                                     {"", []string{"APP_SERVER_TRUSTED_PROXIES=10.0.0.1,proxy"}, `server.trusted_proxies: "proxy" is not an IP address or network, such as 10.0.0.0/8`},
		"an origin that is a star":                            {"server: {cors_origins: ['*']}", nil, `server.cors_origins: "*" is not an origin, such as https://app.example.com: patterns are not allowed, list each origin`},
		"an origin with a port that is too high":              {"", []string{"APP_SERVER_CORS_ORIGINS=https://a.example:99999"}, `server.cors_origins: "https://a.example:99999" is not an origin`},
		"an origin with port 0":                               {"", []string{"APP_SERVER_CORS_ORIGINS=https://a.example:0"}, `server.cors_origins: "https://a.example:0" is not an origin`},
		"an origin without a host":                            {"", []string{"APP_SERVER_CORS_ORIGINS=https://:8080"}, `server.cors_origins: "https://:8080" is not an origin`},
		"an origin with a path":                               {"", []string{"APP_SERVER_CORS_ORIGINS=https://a.example/"}, `server.cors_origins: "https://a.example/" is not an origin`},
		"an address without a port":                           {"server: {address: localhost}", nil, `server.address: "localhost" is not HOST:PORT, such as 127.0.0.1:8080`},
		"a port over 65535":                                   {"", []string{"APP_SERVER_ADDRESS=:65536"}, `server.address: ":65536" is not HOST:PORT`},
		"an unknown environment":                              {"environment: staging", nil, `environment: "staging" is neither development nor production`},
		"a cost below bcrypt's":                               {"password: {bcrypt_cost: 3}", nil, "password.bcrypt_cost: 3 is not between 4 and 20"},
		"a cost that takes minutes":                           {"password: {bcrypt_cost: 21}", nil, "password.bcrypt_cost: 21 is not between 4 and 20"},
		"a cost too low for production":                       {"password: {bcrypt_cost: 9}", []string{production}, "password.bcrypt_cost: 9 is not between 10 and 20 (production)"},
		"a cost that is a word":                               {"", []string{"APP_PASSWORD_BCRYPT_COST=high"}, "password.bcrypt_cost: high is not a whole number"},
		"a least length of 0":                                 {"password: {min_length: 0}", nil, "password.min_length: 0 is not between 1 and 72"},
		"a least length over bcrypt's limit":                  {"password: {min_length: 73}", nil, "password.min_length: 73 is not between 1 and 72"},
		"an unknown log level":                                {"log: {level: trace}", nil, `log.level: "trace" is not one of debug, info, warn and error`},
		"an unknown log format":                               {"log: {format: xml}", nil, `log.format: "xml" is neither text nor json`},
		"another database":                                    {"", []string{"APP_DATABASE_URL=mysql://localhost/app"}, "database.url: write sqlite://PATH with the path of a file, such as sqlite://data/app.db"},
		"a file with options":                                 {"", []string{"APP_DATABASE_URL=sqlite://x.db?mode=ro"}, "database.url: options after a ? are not allowed"},
		"a relative file after three slashes":                 {"", []string{"APP_DATABASE_URL=sqlite:///./x.db"}, "database.url: write a relative path without the third slash"},
		"a file with ~":                                       {"", []string{"APP_DATABASE_URL=sqlite://~/x.db"}, "database.url: ~ is not expanded"},
		"a scheme in capitals":                                {"", []string{"APP_DATABASE_URL=POSTGRES://u:hidden@h/db"}, "database.url: write postgres:// in lower case"},
		"a password with @":                                   {"", []string{"APP_DATABASE_URL=postgres://u:a@b@h/db"}, "database.url: cannot be read: percent-encode"},
		"a password with #":                                   {"", []string{"APP_DATABASE_URL=postgres://u:a#b@h/db"}, "database.url: cannot be read: percent-encode"},
		"a password with /":                                   {"", []string{"APP_DATABASE_URL=postgres://u:a/b@h/db"}, "database.url: cannot be read: percent-encode"},
		"a password with ?":                                   {"", []string{"APP_DATABASE_URL=postgres://u:12?b@h/db"}, "database.url: cannot be read: percent-encode"},
		"a password with %":                                   {"", []string{"APP_DATABASE_URL=postgres://u:a%zz@h/db"}, "database.url: cannot be read: percent-encode"},
		"a URL without a host":                                {"", []string{"APP_DATABASE_URL=postgres:///db"}, "database.url: has no host"},
		"a database without a path":                           {"database: {url: 'sqlite://'}", nil, "database.url: write sqlite://PATH"},
		"a database in memory":                                {"", []string{"APP_DATABASE_URL=sqlite://:memory:"}, "database.url: write sqlite://PATH with the path of a file"},
		"production without a secret":                         {"", []string{production, "APP_JWT_SECRET="}, "jwt.secret: is empty: set APP_JWT_SECRET, or APP_JWT_SECRET_FILE, to what `latchkey secret` prints"},
		"a secret of 31 bytes":                                {"", []string{"APP_JWT_SECRET=" + key[:31]}, "jwt.secret: has 31 bytes, fewer than 32: set APP_JWT_SECRET"},
		"a secret that is a placeholder":                      {"", []string{"APP_JWT_SECRET=ChangeMe-" + key}, "jwt.secret: is a placeholder or repeats itself: set APP_JWT_SECRET"},
		"a secret that repeats one part":                      {"", []string{"APP_JWT_SECRET=" + strings.Repeat(key[:16], 2)}, "jwt.secret: is a placeholder or repeats itself"},
		"a secret that repeats, the last part not whole":      {"", []string{"APP_JWT_SECRET=" + strings.Repeat(key[:13], 3)[:33]}, "jwt.secret: is a placeholder or repeats itself"},
		"a secret of few different letters":                   {"", []string{"APP_JWT_SECRET=abcabbcacbbacabcbabcabcccabacbabbcab"}, "jwt.secret: is a placeholder or repeats itself"},
		"a weak secret, in development too":                   {"environment: development", []string{"APP_JWT_SECRET=short"}, "jwt.secret: has 5 bytes"},
		"docs that are a word":                                {"", []string{"APP_SERVER_DOCS=maybe"}, "server.docs: maybe is neither true nor false"},
		"a refresh lifetime shorter than the access lifetime": {"jwt: {refresh_ttl: 10m}", nil, "jwt.refresh_ttl: 10m0s is less than jwt.access_ttl, 15m0s: an access token would outlive its session"},
		"a refresh lifetime with half a second":               {"jwt: {refresh_ttl: 3600500ms}", nil, "jwt.refresh_ttl: 1h0m0.5s is not a whole number of seconds"},
		"a negative grace":                                    {"jwt: {refresh_grace: -1s}", nil, "jwt.refresh_grace: -1s is negative: write 0"},
		"a previous secret of 5 bytes":                        {"jwt: {previous_secrets: [" + key + ", short]}", nil, "jwt.previous_secrets[1]: has 5 bytes, fewer than 32: remove it"},
		"previous secrets that are a list of lists":           {"jwt: {previous_secrets: [[" + key + "]]}", nil, "jwt.previous_secrets: is not a list"},
		"the algorithm none":                                  {"jwt: {algorithm: none}", nil, `jwt.algorithm: "none" is not one of HS256, EdDSA, ES256 and RS256`},
		"an algorithm in lower case":                          {"jwt: {algorithm: eddsa}", nil, `jwt.algorithm: "eddsa" is not one of HS256, EdDSA`},
		"a key file without its algorithm":                    {"jwt: {key_file: x.pem}", nil, "jwt.key_file and jwt.previous_key_files: HS256 uses no key file: set jwt.algorithm, or remove them"},
		"an algorithm without its key file":                   {"jwt: {algorithm: EdDSA}", nil, "jwt.key_file: is empty, and EdDSA needs an Ed25519 key: make one with `config.test key new --algorithm EdDSA`"},
		"a key file that is missing":                          {"jwt: {algorithm: EdDSA, key_file: " + missing + "}", nil, "jwt.key_file: open " + missing + ": no such file"},
		"a key file of another algorithm":                     {"jwt: {algorithm: RS256, key_file: " + pemFile(t, token.ES256) + "}", nil, "does not hold an RSA key of 2048 bits or more, as RS256 needs"},
		"a key file that is not PEM":                          {"jwt: {algorithm: ES256, key_file: " + write(t, "hello") + "}", nil, "it holds no PEM key without a passphrase"},
		"a key file that is not whole":                        {"jwt: {algorithm: ES256, key_file: " + write(t, "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n") + "}", nil, "cannot be read: "},
		"a key file of a public key":                          {"jwt: {algorithm: ES256, key_file: " + publicFile(t) + "}", nil, "holds a public key, which cannot sign"},
		"a previous key file that is missing":                 {"jwt: {algorithm: ES256, key_file: " + pemFile(t, token.ES256) + ", previous_key_files: [" + missing + "]}", nil, "jwt.previous_key_files: open " + missing},
		"a key on another curve":                              {"jwt: {algorithm: ES256, key_file: " + derFile(t, "EC PRIVATE KEY", curveKey(t, elliptic.P384()), x509.MarshalECPrivateKey) + "}", nil, "does not hold a key on the curve P-256, as ES256 needs"},
		"an RSA key of 1024 bits":                             {"jwt: {algorithm: RS256, key_file: " + weakFile(t) + "}", nil, "does not hold an RSA key of 2048 bits or more"},
		"a cost with a fraction":                              {"password: {bcrypt_cost: 12.7}", nil, "password.bcrypt_cost: 12.7 is not a whole number"},
		"a size that is a boolean":                            {"server: {max_body: true}", nil, "server.max_body: true is not a size"},
		"a level that is a boolean":                           {"log: {level: true}", nil, "log.level: true is not a string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.file, c.environ...)
			if fault := one(t, err); !strings.Contains(fault, c.want) {
				t.Errorf("%s\nwant %s", fault, c.want)
			}
		})
	}
}

// pemFile writes a new private key to a file.
func pemFile(t *testing.T, algorithm string) string {
	t.Helper()
	text, err := token.NewKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, string(text))
}

// derFile writes a key, encoded by encode, to a PEM file.
func derFile[Key any](t *testing.T, kind string, key Key, encode func(Key) ([]byte, error)) string {
	t.Helper()
	der, err := encode(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

func curveKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicFile(t *testing.T) string {
	return derFile(t, "PUBLIC KEY", any(curveKey(t, elliptic.P256()).Public()), x509.MarshalPKIXPublicKey)
}

func weakFile(t *testing.T) string {
	key, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // weak on purpose
	if err != nil {
		t.Fatal(err)
	}
	return derFile(t, "RSA PRIVATE KEY", key, func(key *rsa.PrivateKey) ([]byte, error) { return x509.MarshalPKCS1PrivateKey(key), nil })
}

func TestKeyFilesAreRead(t *testing.T) {
	for _, algorithm := range []string{token.EdDSA, token.ES256, token.RS256} {
		now, before := pemFile(t, algorithm), pemFile(t, algorithm)
		read, err := load(t, "", "APP_JWT_ALGORITHM="+algorithm, "APP_JWT_KEY_FILE="+now, "APP_JWT_PREVIOUS_KEY_FILES="+before)
		if err != nil || read.JWT.Key.Signer == nil || len(read.JWT.PreviousKeys) != 1 {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
	read, err := load(t, "jwt: {algorithm: ES256, key_file: "+pemFile(t, token.ES256)+", previous_key_files: ["+publicFile(t)+"]}")
	if err != nil || len(read.JWT.PreviousKeys) != 1 {
		t.Errorf("a public key may be a previous one: %v", err)
	}
}

// `openssl ecparam -genkey` writes the curve, and then the key in its older form.
func TestKeysFromOpenSSLAreRead(t *testing.T) {
	key, err := os.ReadFile(derFile(t, "EC PRIVATE KEY", curveKey(t, elliptic.P256()), x509.MarshalECPrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte("x")}), key...)
	if _, err := load(t, "jwt: {algorithm: ES256, key_file: "+write(t, string(text))+"}"); err != nil {
		t.Error(err)
	}
}

func TestANamedFileMustExist(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := config.Load(settings.DefaultFile, nil); err != nil {
		t.Error("the default file may be missing:", err)
	}
	_, err := config.Load("other.yaml", nil)
	if fault := one(t, err); fault != "other.yaml: cannot be read: no such file or directory" {
		t.Error(fault)
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	_, err := load(t, `
environment: staging
server: {address: nowhere, trusted_proxies: [me], cors_origins: ["*"], max_body: much, shutdown_timeout: 15}
database: {url: mysql://x}
jwt: {isuer: me, access_ttl: soon, revocation_lag: -1s}
password: {bcrypt_cost: 3, min_length: many, max_wait: 0s}
log: {level: loud, format: xml}
`, "APP_JWT_SECRET=short", "APP_LOGLEVEL=debug")
	var faults settings.Faults
	if !errors.As(err, &faults) || len(faults) != 17 {
		t.Fatalf("%v\nwant 17 faults", err)
	}
	for _, fault := range faults {
		if !strings.Contains(err.Error(), "\n  "+fault) {
			t.Errorf("the error does not contain: %s", fault)
		}
	}
}

func TestDevelopmentMakesOneSecretAndStoresIt(t *testing.T) {
	for range 20 {
		t.Chdir(t.TempDir())
		secrets := make([]settings.Secret, 8)
		var group sync.WaitGroup
		for i := range secrets {
			group.Go(func() {
				read, err := config.Load(settings.DefaultFile, nil)
				if err != nil {
					t.Error(err)
				}
				secrets[i] = read.JWT.Secret
			})
		}
		group.Wait()
		stored, err := config.Load(settings.DefaultFile, nil)
		if secrets = slices.Compact(append(secrets, stored.JWT.Secret)); err != nil || len(secrets) != 1 || len(secrets[0]) != 43 {
			t.Fatalf("%d secrets, the first of %d bytes; %v", len(secrets), len(secrets[0]), err)
		}
		files, err := os.ReadDir("data")
		if err != nil || len(files) != 1 {
			t.Fatalf("data holds %v, %v", files, err)
		}
		if info, err := files[0].Info(); err != nil || info.Name() != "jwt_secret" || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
}

func TestAStoredSecretThatIsEmptyOrWeakIsRefused(t *testing.T) {
	for _, stored := range []string{"", "\n", "short"} {
		t.Chdir(t.TempDir())
		if err := errors.Join(os.Mkdir("data", 0o700), os.WriteFile("data/jwt_secret", []byte(stored), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(settings.DefaultFile, nil)
		if fault := one(t, err); !strings.Contains(fault, "jwt.secret: ") {
			t.Errorf("%q: %s", stored, fault)
		}
	}
}

func TestTheSecretIsNeverPrinted(t *testing.T) {
	read, err := load(t, "", "APP_JWT_SECRET="+key, "APP_JWT_PREVIOUS_SECRETS="+key, "APP_JWT_ALGORITHM=EdDSA", "APP_JWT_KEY_FILE="+pemFile(t, token.EdDSA))
	if err != nil {
		t.Fatal(err)
	}
	private := read.JWT.Key.Signer.(ed25519.PrivateKey)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q"} {
		fmt.Fprintf(&out, verb+"\n", read.JWT.Key)
		fmt.Fprintf(&out, verb+verb+"\n", read, &read.JWT.Secret)
		fmt.Fprintf(&out, verb+"\n", read.JWT.Secret)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("all", "settings", read, "secret", read.JWT.Secret)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("all", "settings", read, "secret", read.JWT.Secret)
	if err := json.NewEncoder(&out).Encode(read); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"jwt: {secret: [" + key + "]}", "jwt: {previous_secrets: [[" + key + "]]}", "jwt: {previous_secrets: {a: " + key + "}}"} {
		_, err = load(t, wrong, "APP_JWT_SECRET=")
		fmt.Fprintln(&out, err)
	}
	decimal := strings.Trim(fmt.Sprintf("%d", private[:8]), "[]")
	for _, secret := range []string{key, fmt.Sprintf("%x", key), fmt.Sprintf("%X", key), decimal, fmt.Sprintf("%x", private[:8]), base64.StdEncoding.EncodeToString(private[:6])} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s is in\n%s", secret, out.String())
		}
	}
	if strings.Count(out.String(), "********") < 10 {
		t.Errorf("the secret was not printed at all:\n%s", out.String())
	}
}

func FuzzFile(f *testing.F) {
	shipped, err := os.ReadFile("../config.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shipped)
	for _, odd := range []string{
		"", "x", "a: [", "- 1", "1: 2", "null", "server:", "server: 5", "server: []", "server: {address: {}}",
		"log.level: debug", "LOG: {LEVEL: debug}", "jwt: {access_ttl: 5}", "password: {bcrypt_cost: 1e99}",
		"server: {trusted_proxies: [[1], null, {a: b}]}", "a: &a {b: *a}", "<<: {log: {level: warn}}", "---\n---\n", "\x00", "\ufeffenvironment: x",
		"? [a]\n: b", "jwt: {secret: !!binary aGVsbG8=}", "server: {max_body: 2001-01-01}",
	} {
		f.Add([]byte(odd))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		read, err := load(t, string(content))
		var faults settings.Faults
		switch {
		case err == nil && string(read.JWT.Secret.Bytes()) == key && read.JWT.AccessTTL > 0:
		case errors.As(err, &faults) && len(faults) > 0 && read.Environment == "":
		default:
			t.Errorf("%+v, %v", read, err)
		}
	})
}
