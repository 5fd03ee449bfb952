package browser_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/parts/browser"
)

const (
	listed   = "https://app.example.com"
	public   = "http://api.example.com:8080"
	corsOnly = "https://tokens.example.com"
)

func withOrigins(s *config.Settings) {
	config.Of[browser.Settings](*s).Origins = []string{listed}
	s.Server.PublicURL, s.Server.CORSOrigins = public+"/path", []string{corsOnly}
}

// pages are requests of pages and others, and whether they may change something by cookie.
func pages(app *apptest.App) map[string]struct {
	headers []string
	allowed bool
} {
	const site, origin = "Sec-Fetch-Site", "Origin"
	return map[string]struct {
		headers []string
		allowed bool
	}{
		"of this server":                       {[]string{site, "same-origin"}, true},
		"of this server, with its origin":      {[]string{site, "same-origin", origin, app.URL}, true},
		"through a development proxy":          {[]string{site, "same-origin", origin, "http://localhost:5173"}, true},
		"of the user alone":                    {[]string{site, "none"}, true},
		"of an old browser":                    {[]string{origin, app.URL}, true},
		"of the public URL":                    {[]string{origin, public}, true},
		"of a listed origin":                   {[]string{site, "same-site", origin, listed}, true},
		"of a listed origin, on another site":  {[]string{site, "cross-site", origin, listed}, true},
		"of a listed origin in an old browser": {[]string{origin, listed}, true},

		"of no browser":                      {nil, false},
		"with empty headers":                 {[]string{site, "", origin, ""}, false},
		"of another site":                    {[]string{site, "cross-site"}, false},
		"of another host of this site":       {[]string{site, "same-site"}, false},
		"with its origin":                    {[]string{site, "same-site", origin, "https://evil.example.com"}, false},
		"of another site, that says ours":    {[]string{site, "cross-site", origin, app.URL}, false},
		"of a sandbox":                       {[]string{site, "cross-site", origin, "null"}, false},
		"of a sandbox in an old browser":     {[]string{origin, "null"}, false},
		"of another site, in an old browser": {[]string{origin, "https://evil.example.org"}, false},
		"of another port":                    {[]string{origin, app.URL + "1"}, false},
		"of a name that begins like ours":    {[]string{origin, listed + ".evil.example.org"}, false},
		"of a listed name over http":         {[]string{origin, "http://app.example.com"}, false},
		"of a listed name in capitals":       {[]string{origin, "https://APP.example.com"}, false},
		"of one that only has tokens":        {[]string{site, "same-site", origin, corsOnly}, false},
		"of a header in capitals":            {[]string{site, "SAME-ORIGIN"}, false},
		"with only a Referer":                {[]string{"Referer", app.URL + "/"}, false},
		"with an overridden method":          {[]string{site, "cross-site", "X-HTTP-Method-Override", "GET"}, false},
	}
}

func TestOnlyPagesOfThisSiteChangeSomethingByCookie(t *testing.T) {
	app, cookie := signedIn(t, withOrigins)
	name := func() (name string) {
		if user := app.User(email); user.Name != nil {
			name = *user.Name
		}
		return name
	}
	for claim, c := range pages(app) {
		t.Run(claim, func(t *testing.T) {
			before, status, code := name(), 200, ""
			if !c.allowed {
				status, code = 403, "forbidden"
			}
			app.Do("PATCH", "/me", strings.NewReader(`{"name":"`+claim+`"}`), from(c.headers, cookie)...).Want(t, status, code)
			if c.allowed != (name() == claim) || !c.allowed && name() != before {
				t.Errorf("the name was %q, and is %q", before, name())
			}
			for _, method := range []string{"GET", "HEAD"} { // such as an image, whose answer the page cannot read
				app.Do(method, "/me", nil, from(c.headers, cookie)...).Want(t, 200, "")
			}
			login := app.Post("/login", asksForCookie, c.headers...)
			if c.allowed {
				login.Want(t, 204, "")
			} else if login.Want(t, 403, "forbidden"); len(cookiesOf(login)) > 0 {
				t.Error(login.Header)
			}
		})
	}
}

func TestNoRouteChangesSomethingForAnotherSite(t *testing.T) {
	app, cookie := signedIn(t)
	app.DB.Model(app.User(email)).Update("role", "admin")
	for _, route := range apptest.ProtectedRoutes() {
		if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, route.Method) {
			continue
		}
		for _, media := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded"} {
			headers := from([]string{"Sec-Fetch-Site", "cross-site", "Content-Type", media}, cookie)
			if answer := app.Serve(route.Method, route.Path, "{}", headers...).Want(t, 403, "forbidden"); len(cookiesOf(answer)) > 0 {
				t.Error(answer.Header)
			}
		}
	}
	app.Serve("GET", "/logout", "", from(here, cookie)...).Want(t, 405, "method_not_allowed")
	app.Serve("GET", "/me", "", from([]string{"X-HTTP-Method-Override", "DELETE", "Sec-Fetch-Site", "cross-site"}, cookie)...).Want(t, 200, "")
	app.Serve("PATCH", "/me", `{"name":"Ada"}`, from(append([]string{"Content-Type", "text/plain"}, here...), cookie)...).Want(t, 415, "unsupported_media_type")
	app.Get("/protected", "Cookie", cookie).Want(t, 200, "")
}

func TestOnlyListedOriginsMayReadWithTheCookie(t *testing.T) {
	app, cookie := signedIn(t, withOrigins)
	for origin, want := range map[string][2]string{
		listed:                     {listed, "true"},
		corsOnly:                   {corsOnly, ""},
		"https://evil.example.com": {"", ""},
		"null":                     {"", ""},
		strings.ToUpper(listed):    {"", ""},
	} {
		for kind, answer := range map[string]kit.Answer{
			"an answer":   app.Get("/me", "Cookie", cookie, "Origin", origin).Want(t, 200, ""),
			"a refusal":   app.Do("POST", "/logout", nil, "Cookie", cookie+"A", "Origin", origin).Want(t, 401, "token_invalid"),
			"a preflight": app.Do("OPTIONS", "/me", nil, "Origin", origin, "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "content-type"),
		} {
			got := [2]string{answer.Header.Get("Access-Control-Allow-Origin"), answer.Header.Get("Access-Control-Allow-Credentials")}
			if got != want || !strings.Contains(strings.Join(answer.Header.Values("Vary"), ","), "Origin") {
				t.Errorf("%s for %s allows %v, want %v; %v", kind, origin, got, want, answer.Header)
			}
			if kind == "a preflight" && (answer.Header.Get("Access-Control-Max-Age") == "3600") != (want[0] != "") {
				t.Errorf("%s for %s is cached for %s", kind, origin, answer.Header.Get("Access-Control-Max-Age"))
			}
		}
	}
}
