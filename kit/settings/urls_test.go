package settings_test

import (
	"net/url"
	"testing"

	"example.com/latchkey/kit/settings"
)

func TestAnOriginIsWrittenAsABrowserSendsIt(t *testing.T) {
	for origin, want := range map[string]string{
		"https://a.example":          "https://a.example",
		"HTTPS://Bücher.Example:443": "https://xn--bcher-kva.example",
		"http://[::1]:3000":          "http://[::1]:3000",
		"capacitor://localhost":      "capacitor://localhost",
		"*":                          "",
		"https://*.a.example":        "",
		"https://a.example/":         "",
		"https://a.example:0":        "",
		"https://a.example:99999":    "",
		"https://:8080":              "",
		"a.example":                  "",
	} {
		if got, err := settings.NormalizeOrigin(origin); got != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v, want %q", origin, got, err, want)
		}
	}
}

func TestLoopbackIsThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST.:8080": true, "app.localhost": true, "127.0.0.2": true, "[::1]:80": true, "[::1]": true,
		"localhost.example.com": false, "10.0.0.1": false, "0.0.0.0": false, "": false,
	} {
		if settings.IsLoopback(host) != want {
			t.Errorf("%q: want %t", host, want)
		}
	}
}

func TestAPathLeadsToNoOtherServer(t *testing.T) {
	for text, want := range map[string]bool{
		"/": true, "/me?a=b#c": true, "/%2Fevil.example": true,
		"": false, "me": false, "//evil.example": false, `/\evil.example`: false, "/\t/evil.example": false, "https://evil.example": false, "/ä": false,
	} {
		if settings.IsPath(text) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}

func TestParametersAreAddedToTheQuery(t *testing.T) {
	for address, want := range map[string]string{
		"com.example.app:/in":      "com.example.app:/in?a=b+c",
		"https://example.com/?x=y": "https://example.com/?x=y&a=b+c",
	} {
		if got := settings.WithQuery(address, url.Values{"a": {"b c"}}); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
