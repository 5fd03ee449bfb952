package tests

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
)

func TestGzipNeedsAnAcceptingClient(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	for accept, want := range map[string]string{
		"gzip": "gzip", "GZIP": "gzip", "x-gzip": "gzip", "br, gzip": "gzip", "deflate, gzip ; q=0.5": "gzip", "gzip;q=1.000": "gzip", "*": "gzip", "br;q=1, *;q=0.1": "gzip",
		"": "", "identity": "", "br": "", "gzip;q=0": "", "gzip; Q=0.000": "", "gzip;q=0, *": "", "*;q=0": "", "gzip;q=x": "", "gzip;q=": "", "notgzip": "",
	} {
		answer := app.Get("/openapi.json", "Accept-Encoding", accept)
		if got := answer.Header.Get("Content-Encoding"); answer.Status != 200 || got != want {
			t.Errorf("%q: %d, Content-Encoding %q, want %q", accept, answer.Status, got, want)
		}
		if plain := strings.HasPrefix(answer.Body, "{"); plain == (want == "gzip") {
			t.Errorf("%q begins with %q", accept, answer.Body[:2])
		}
	}
}

// A cache must not give the answer of one origin to another.
func TestAllAnswersVaryByOriginIfOriginsAreSet(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	const allowed = "https://app.example.com"
	vary := func(answer kit.Answer) []string {
		return strings.Split(strings.Join(answer.Header.Values("Vary"), ", "), ", ")
	}
	app := apptest.New(t, func(s *config.Settings) { s.Server.CORSOrigins = []string{allowed} })
	paths := []string{"/nowhere", "/", "/openapi.json"}
	for _, route := range apptest.Table() {
		paths = append(paths, route.Path)
	}
	for _, origin := range []string{"", allowed, "https://evil.example.com"} {
		for _, path := range paths {
			for _, method := range []string{http.MethodGet, http.MethodOptions} {
				if got := vary(app.Serve(method, path, "", "Origin", origin)); !slices.Contains(got, "Origin") {
					t.Errorf("%s %s from %q: Vary is %q", method, path, origin, got)
				}
			}
		}
		if got := vary(app.Serve(http.MethodGet, "/openapi.json", "", "Origin", origin)); !slices.Equal(got, []string{"Origin", "Accept-Encoding"}) {
			t.Errorf("/openapi.json from %q: Vary is %q", origin, got)
		}
	}
	if got := vary(apptest.New(t).Get("/openapi.json")); !slices.Equal(got, []string{"Accept-Encoding"}) {
		t.Errorf("without origins Vary is %q", got)
	}
}
