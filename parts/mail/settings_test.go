package mail_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/parts/mail"
)

// load reads the settings from a file with this text, and from the variables.
func load(t *testing.T, text string, environ ...string) (config.Settings, error) {
	t.Helper()
	environ = append(environ, "APP_JWT_SECRET="+string(settings.NewSecret()))
	return config.Load(write(t, text), environ, mail.Part().Settings...)
}

func write(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// printed reports whether a secret is printed with a value.
func printed(value any, secret string) bool {
	return strings.Contains(fmt.Sprintf("%v %+v %#v", value, value, value), secret)
}

func TestTheMailServerIsASecretURL(t *testing.T) {
	const good = "smtp://ada:p%40ss@mail.example.com:587" //nolint:gosec // not a real password
	for claim, environ := range map[string]string{        //nolint:gosec // the same
		"STARTTLS":            "APP_MAIL_URL=" + good,
		"TLS from the start":  "APP_MAIL_URL=smtps://ada:p%40ss@mail.example.com:465",
		"a server of no user": "APP_MAIL_URL=smtp://localhost",
		"an IPv6 address":     "APP_MAIL_URL=smtp://[::1]:2525",
		"a file":              "APP_MAIL_URL_FILE=" + write(t, good+"\n"),
	} {
		read, err := load(t, "", environ)
		if err != nil || config.Of[mail.Settings](read).URL == "" || printed(read, "p%40ss") || printed(*config.Of[mail.Settings](read), "p%40ss") {
			t.Errorf("%s: %v, or it is printed", claim, err)
		}
	}
	for claim, url := range map[string]string{ //nolint:gosec // the same
		"another scheme":              "https://ada:hunter2@mail.example.com",
		"no scheme":                   "ada:hunter2@mail.example.com",
		"no host":                     "smtp://ada:hunter2@",
		"no password":                 "smtp://hunter2@mail.example.com",
		"a path":                      "smtp://ada:hunter2@mail.example.com/box",
		"options":                     "smtp://ada:hunter2@mail.example.com?tls=no",
		"an @ that is not encoded":    "smtp://ada:hunter2@x@mail.example.com",
		"a # that is not encoded":     "smtp://ada:hunter2#x@mail.example.com",
		"a port that is not a port":   "smtp://ada:hunter2@mail.example.com:0",
		"a port that is not a number": "smtp://ada:hunter2@mail.example.com:smtp",
	} {
		_, err := load(t, "", "APP_MAIL_URL="+url)
		if err == nil || !strings.Contains(err.Error(), "mail.url: write smtp://USER:PASSWORD@HOST:587") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

func TestProductionWithMailNeedsASenderAndAPublicURL(t *testing.T) {
	production := []string{"APP_ENVIRONMENT=production", "APP_MAIL_URL=smtp://mail.example.com"}
	_, err := load(t, "", production...)
	if err == nil || !strings.Contains(err.Error(), "\n  mail.from: write the address") || !strings.Contains(err.Error(), "\n  server.public_url: is empty") {
		t.Error(err)
	}
	production = append(production, "APP_MAIL_FROM=Shop <no-reply@example.com>", "APP_SERVER_PUBLIC_URL=https://api.example.com")
	if _, err := load(t, "", production...); err != nil {
		t.Error(err)
	}
	for _, from := range []string{"nobody", "nobody@a_b", "a@example.com, b@example.com"} {
		if _, err := load(t, "", "APP_MAIL_FROM="+from); err == nil || !strings.Contains(err.Error(), `mail.from: "`+from+`" is not an address`) {
			t.Error(err)
		}
	}
}

func TestAWrongLinkIsReported(t *testing.T) {
	for claim, c := range map[string][2]string{
		"a page that is a path":          {"mail: {reset_url: /reset}", `mail.reset_url: "/reset" is not the URL of a page`},
		"a page with a fragment":         {"mail: {verify_url: 'https://app.example.com/#/verify'}", `mail.verify_url: "https://app.example.com/#/verify" is not the URL of a page`},
		"a server without a scheme":      {"server: {public_url: api.example.com}", `server.public_url: "api.example.com" is not the URL of a page`},
		"a page with an empty fragment":  {"mail: {verify_url: 'https://app.example.com/#'}", `mail.verify_url: "https://app.example.com/#" is not the URL of a page`},
		"a page at a port too high":      {"mail: {reset_url: 'https://app.example.com:99999/reset'}", `mail.reset_url: "https://app.example.com:99999/reset" is not the URL of a page`},
		"a server without a host":        {"server: {public_url: 'https://:8080'}", `server.public_url: "https://:8080" is not the URL of a page`},
		"a server with a fragment":       {"server: {public_url: 'https://api.example.com/#x'}", `server.public_url: "https://api.example.com/#x" is not the URL of a page`},
		"a server with a query":          {"server: {public_url: 'https://api.example.com?a=b'}", `server.public_url: "https://api.example.com?a=b" has a query`},
		"a server with an empty query":   {"server: {public_url: 'https://api.example.com/?'}", `server.public_url: "https://api.example.com/?" has a query`},
		"a link that never works":        {"mail: {reset_ttl: 0s}", "mail.reset_ttl: 0s is not greater than 0"},
		"a verification before its mail": {"mail: {verify_ttl: -1h}", "mail.verify_ttl: -1h0m0s is not greater than 0"},
	} {
		_, err := load(t, c[0])
		var faults settings.Faults
		if !errors.As(err, &faults) || len(faults) != 1 || !strings.HasPrefix(faults[0], c[1]) {
			t.Errorf("%s: %v", claim, err)
		}
	}
}
