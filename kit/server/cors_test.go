package server

import (
	"log/slog"
	"net/http/httptest"
	"testing"

	"example.com/latchkey/kit/endpoint"
)

func TestOnlyOriginsGetCredentials(t *testing.T) {
	const plain, trusted, both = "https://plain.example.com", "https://trusted.example.com", "https://both.example.com"
	for claim, c := range map[string]struct {
		cors, origins []string
		want          map[string][2]string // what is allowed, by origin
	}{
		"nobody is listed":  {nil, nil, map[string][2]string{plain: {}}},
		"only cors_origins": {[]string{plain}, nil, map[string][2]string{plain: {plain, ""}, trusted: {}}},
		"only Origins":      {nil, []string{trusted}, map[string][2]string{plain: {}, trusted: {trusted, "true"}}},
		"both": {[]string{plain, both}, []string{trusted, both}, map[string][2]string{
			plain: {plain, ""}, trusted: {trusted, "true"}, both: {both, "true"}, "https://evil.example.com": {}, "null": {}, "": {},
		}},
	} {
		t.Run(claim, func(t *testing.T) {
			engine, err := NewEngine(Options{
				Settings: Settings{CORSOrigins: c.cors}, Origins: c.origins, Log: slog.New(slog.DiscardHandler),
				Pages: []endpoint.Route{endpoint.Gin("GET", "/", "Is it alive", Health{}.Live)},
			})
			if err != nil {
				t.Fatal(err)
			}
			for origin, want := range c.want {
				for _, method := range []string{"GET", "OPTIONS"} {
					request, answer := httptest.NewRequestWithContext(t.Context(), method, "/", nil), httptest.NewRecorder()
					request.Header.Set("Origin", origin)
					engine.ServeHTTP(answer, request)
					if got := [2]string{answer.Header().Get("Access-Control-Allow-Origin"), answer.Header().Get("Access-Control-Allow-Credentials")}; got != want {
						t.Errorf("%s from %q allows %q, want %q", method, origin, got, want)
					}
				}
			}
		})
	}
}
