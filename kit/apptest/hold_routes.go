package apptest

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const nobody = "01900000-0000-7000-8000-000000000000"

// A public route must be added to Rules and to the table, so that it is never an accident.
func (h *holder) onlyTheseRoutesArePublic(t *testing.T) {
	var public []string
	for _, route := range h.routes {
		if route.Access.Public() {
			public = append(public, route.Method+" "+route.Path)
		}
	}
	slices.Sort(public)
	want := slices.Sorted(slices.Values(h.Public))
	if !slices.Equal(public, want) {
		t.Errorf("the public routes are %v, want %v: a public route is listed in Rules.Public too", public, want)
	}
}

func (h *holder) everyProtectedRouteNeedsAToken(t *testing.T) {
	app := h.Start(t)
	for _, route := range h.protected() {
		app.Do(route.Method, route.Path, nil).Want(t, 401, "token_missing")
	}
}

func (h *holder) everyGetRouteAnswersHead(t *testing.T) {
	app, bearer := h.signedIn(t)
	for _, route := range h.routes {
		if route.Method == http.MethodGet && !route.Streams() {
			get, head := app.Get(route.Path, bearer...), app.Do("HEAD", route.Path, nil, bearer...)
			if head.Status != get.Status || head.Body != "" || head.Header.Get("Content-Length") != get.Header.Get("Content-Length") {
				t.Errorf("%s: GET %d, HEAD %d with %q", route.Path, get.Status, head.Status, head.Body)
			}
		}
	}
}

// A client with Expect: 100-continue sees whether the server reads the body first.
func (h *holder) aBodyIsReadOnlyAfterTheToken(t *testing.T) {
	app := h.Start(t)
	for _, route := range h.protected() {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(app.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		fmt.Fprintf(connection, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n", route.Method, app.withBasePath(route.Path))
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s %s: %d before the body, want 401", route.Method, route.Path, answer.StatusCode)
		}
	}
}

var pathParameter = regexp.MustCompile(`\{[^}]+\}`)

// In a PATCH, null is a value (RFC 7396).
func (h *holder) anOptionalMemberMayBeNull(t *testing.T) {
	app := h.Start(t)
	bearer, members := app.running.Admin("ada@example.com"), 0
	for path, item := range h.document.Paths.Map() {
		for method, operation := range item.Operations() {
			if method == "PATCH" || operation.RequestBody == nil || operation.RequestBody.Value.Content["application/json"] == nil {
				continue
			}
			schema := operation.RequestBody.Value.Content["application/json"].Schema.Value
			for name := range schema.Properties {
				if slices.Contains(schema.Required, name) {
					continue
				}
				members++
				send := func(body string) string {
					answer := app.Do(method, pathParameter.ReplaceAllString(path, nobody), strings.NewReader(body), bearer...)
					if answer.Status < http.StatusMultipleChoices {
						return "what was made"
					}
					return strings.ReplaceAll(answer.Body, answer.Field("request_id"), "")
				}
				if null, absent := send(`{"`+name+`":null}`), send(`{}`); null != absent {
					t.Errorf("%s %s answers %s to %s of null, and %s without it", method, path, null, name, absent)
				}
			}
		}
	}
	if members == 0 {
		t.Error("no member is optional")
	}
}

// WantRefused tries bad tokens, each with the code of its error, on every protected route.
func WantRefused(t *testing.T, app *App, kind string, bad map[string][2]string) {
	t.Helper()
	details := map[string]string{"token_invalid": "Invalid token", "token_expired": "Token expired", "token_revoked": "Token revoked"}
	for _, route := range app.running.Routes {
		if route.Access.Public() {
			continue
		}
		for claim, attack := range bad {
			t.Run(kind+" "+route.Method+" "+route.Path+"/"+claim, func(t *testing.T) {
				answer := app.Serve(route.Method, route.Path, "", Bearer(attack[0])...).Want(t, 401, attack[1])
				detail := details[attack[1]]
				challenge := `error="invalid_token", error_description="` + detail + `"`
				if answer.Field("detail") != detail || !strings.HasSuffix(answer.Header.Get("WWW-Authenticate"), challenge) {
					t.Errorf("answered %s with challenge %s", answer.Body, answer.Header.Get("WWW-Authenticate"))
				}
			})
		}
	}
}

// WantOnlyLoginsRefused tries a credential of an admin that is not a login on every
// protected route.
func (a *App) WantOnlyLoginsRefused(credential []string) {
	a.t.Helper()
	for _, route := range a.running.Routes {
		if route.Access.Public() || route.Streams() {
			continue
		}
		if answer := a.Serve(route.Method, route.Path, "", credential...); route.Access.Login != (answer.Status == http.StatusForbidden) {
			a.t.Errorf("%s %s with another credential is answered %d: its access is %s", route.Method, route.Path, answer.Status, route.Access)
		}
	}
}
