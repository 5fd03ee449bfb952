package tests

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
)

func TestTheBasePathIsBeforeAllPathsExceptHealthChecks(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t, func(s *config.Settings) { s.Server.BasePath = "/v1" })
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(path string) (status int, leadsTo string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), "GET", app.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		to, err := url.Parse(response.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, request.URL.ResolveReference(to).Path
	}
	for path, status := range map[string]int{
		"/v1/protected": 401, "/protected": 404, "/v1/healthz": 404, "/v1/readyz": 404, "/healthz": 200, "/readyz": 200,
		"/v1/openapi.json": 200, "/openapi.json": 404, "/v1/.well-known/jwks.json": 200, "/": 404,
	} {
		if got, _ := get(path); got != status {
			t.Errorf("%s is answered %d, want %d", path, got, status)
		}
	}
	if document := app.Get("/openapi.json").Body; !strings.Contains(document, `"/v1/sessions/{id}"`) || !strings.Contains(document, `"/healthz"`) {
		t.Error("the document does not have the base path")
	}
	app.Register("ada@example.com")
	app.Get("/me", app.Login("ada@example.com")...).Want(t, 200, "")
}
