package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
	"example.com/latchkey/routes"
)

// A route that is about signing in must be added here.
func TestOnlyALoginReachesWhatIsAboutSigningIn(t *testing.T) {
	needLogin := []string{
		"POST /me/email", "POST /me/password", "POST /me/delete",
		"POST /me/email/verification",
		"GET /keys", "POST /keys", "DELETE /keys/:id",
		"POST /me/totp", "POST /me/totp/confirm", "POST /me/totp/delete",
		"POST /logout", "GET /sessions", "DELETE /sessions", "DELETE /sessions/:id",
	}
	for _, route := range apptest.ProtectedRoutes() {
		if name := route.Method + " " + route.Path; slices.Contains(needLogin, name) && !strings.HasPrefix(route.Access.Name, "login") {
			t.Errorf("%s has the access %s", name, route.Access)
		}
	}
	app, robot := withRobot(t)
	app.WantOnlyLoginsRefused(robot)
}

// withRobot runs an app with one more kind of bearer token, and returns that of an admin.
func withRobot(t *testing.T) (app *apptest.App, robot []string) {
	t.Helper()
	app = apptest.New(t)
	app.Admin("root@example.com")
	user := *app.User("root@example.com")
	byName := func(_ accounts.Accounts, _ *http.Request, token string) (accounts.Identity, bool, error) {
		return accounts.Identity{User: user, By: "robot", ID: user.ID}, token == "robot", nil
	}
	program := app.Program
	program.Accounts.Authenticators = append(slices.Clone(program.Accounts.Authenticators), byName)
	engine, err := routes.Engine(program)
	if err != nil {
		t.Fatal(err)
	}
	app.Engine = engine
	return app, kit.Bearer("robot")
}

func TestEveryKindOfTokenIsKnownByItsOwnForm(t *testing.T) {
	app, robot := withRobot(t)
	app.Serve("GET", "/protected", "", robot...).Want(t, 200, "")
	app.Serve("GET", "/protected", "", app.Login("root@example.com")...).Want(t, 200, "")
	app.Serve("GET", "/protected", "", kit.Bearer("robots")...).Want(t, 401, "token_invalid")
}

func TestUnknownRoutes(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	app.Get("/nowhere").Want(t, 404, "not_found")
	app.Get("/me/").Want(t, 404, "not_found")
	app.Get("//me").Want(t, 404, "not_found")
	app.Get("/%2e%2e/me").Want(t, 404, "not_found")
	for method, path := range map[string]string{"GET": "/login", "PATCH": "/protected", "OPTIONS": "/protected", "BREW": "/protected"} {
		answer := app.Do(method, path, nil).Want(t, 405, "method_not_allowed")
		if allow := answer.Header.Get("Allow"); allow != "POST" && allow != "GET, HEAD" && allow != "HEAD, GET" {
			t.Errorf("%s %s: Allow %q", method, path, allow)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	for sent, kept := range map[string]bool{
		"abc.DEF_1-2": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a b": false, "a\"b": false, "é": false,
	} {
		got := app.Get("/nowhere", "X-Request-ID", sent).Want(t, 404, "not_found").Header.Get("X-Request-ID")
		if (got == sent) != kept || got == "" {
			t.Errorf("sent %q, got %q", sent, got)
		}
	}
}

func TestHealth(t *testing.T) {
	app := apptest.New(t)
	app.Get("/healthz").Want(t, 200, "")
	app.Get("/readyz").Want(t, 200, "")
	if err := database.Close(app.DB); err != nil {
		t.Fatal(err)
	}
	app.Get("/healthz").Want(t, 200, "")
	app.Get("/readyz").Want(t, 503, "unavailable")
}

func TestWithoutTheDatabaseNobodyIsAllowed(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	bearer, refresh := app.Session("ada@example.com")
	if err := database.Close(app.DB); err != nil {
		t.Fatal(err)
	}
	app.Refresh(refresh).Want(t, 503, "unavailable")
	app.Refresh("forged").Want(t, 401, "token_invalid")
	if answer := app.Get("/me", bearer...).Want(t, 503, "unavailable"); answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	app.Get("/me").Want(t, 401, "token_missing")
	app.Get("/me", kit.Bearer("a.b.c")...).Want(t, 401, "token_invalid")
	answer := app.Post("/login", `{"email":"ada@example.com","password":"x"}`).Want(t, 503, "unavailable")
	if strings.Contains(answer.Body, "sql") || !strings.Contains(app.Log.String(), "database is closed") {
		t.Errorf("the client reads %s, the log %s", answer.Body, app.Log)
	}
}

func TestATokenIsRevokedWithItsUser(t *testing.T) {
	for claim, end := range map[string]func(*apptest.App){
		"disabled": func(app *apptest.App) { app.DB.Model(&models.User{}).Where("true").Update("disabled", true) },
		"deleted":  func(app *apptest.App) { app.DB.Where("true").Delete(&models.User{}) },
	} {
		for name, c := range map[string]struct {
			lag  time.Duration
			then func(*testing.T, *apptest.App, []string)
		}{
			"at once": {0, func(t *testing.T, app *apptest.App, bearer []string) {
				app.Get("/me", bearer...).Want(t, 401, "token_revoked")
			}},
			"cached": {time.Hour, func(t *testing.T, app *apptest.App, bearer []string) { app.Get("/me", bearer...).Want(t, 200, "") }},
			"after the lag": {100 * time.Millisecond, func(t *testing.T, app *apptest.App, bearer []string) {
				kit.Await(t, "the token is refused", func() bool { return app.Get("/me", bearer...).Status != 200 })
				app.Get("/me", bearer...).Want(t, 401, "token_revoked")
			}},
		} {
			t.Run(claim+" "+name, func(t *testing.T) {
				app, bearer, _ := apptest.SignedIn(t, func(s *config.Settings) { s.JWT.RevocationLag = c.lag })
				app.Get("/me", bearer...).Want(t, 200, "")
				end(app)
				c.then(t, app, bearer)
			})
		}
	}
}

func TestAPanicIsAnswered500WithoutItsCause(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	app.Engine.GET("/panic", func(*gin.Context) { panic("a secret cause") })
	app.Engine.GET("/odd", func(c *gin.Context) { problem.Write(c, errors.New("a secret cause")) })
	app.Engine.GET("/canceled", func(c *gin.Context) { // by the program; the client is still connected
		problem.Write(c, fmt.Errorf("a secret cause: %w", context.Canceled))
	})
	for _, path := range []string{"/panic", "/odd", "/canceled"} {
		answer := app.Get(path).Want(t, 500, "internal")
		if strings.Contains(answer.Body, "secret cause") {
			t.Errorf("answered %s", answer.Body)
		}
		if log := app.Log.String(); !strings.Contains(log, "secret cause") || !strings.Contains(log, answer.Field("request_id")) {
			t.Errorf("logged %s", log)
		}
	}
}

func TestTheLogHasOneLinePerRequestAndNoSecret(t *testing.T) {
	app := apptest.New(t)
	app.Post("/register", `{"email":"ada@example.com","password":"correct horse"}`).Want(t, 201, "")
	bearer := app.Login("ada@example.com")
	id := app.Get("/protected?token=leak", bearer...).Want(t, 200, "").Field("user_id")
	log := app.Log.String()
	for _, part := range []string{"method=GET", "route=/protected", "status=200", "latency_ms=", "ip=127.0.0.1", "user_id=" + id, "request_id="} {
		if last := log[strings.LastIndex(log[:len(log)-1], "\n")+1:]; !strings.Contains(last, part) {
			t.Errorf("%s is not in %s", part, last)
		}
	}
	if strings.Count(log, "\n") != 3 {
		t.Errorf("3 requests are %s", log)
	}
	for _, secret := range []string{"leak", apptest.Password, strings.TrimPrefix(bearer[1], "Bearer "), "$2a$"} {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in %s", secret, log)
		}
	}
}

func TestSecurityHeadersAreOnEveryAnswer(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	for _, path := range []string{"/healthz", "/me", "/nowhere"} {
		header := app.Get(path).Header
		for name, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if header.Get(name) != value {
				t.Errorf("%s: %s is %q", path, name, header.Get(name))
			}
		}
	}
}

func TestCORSAllowsTheConfiguredOrigins(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	const allowed = "https://app.example.com"
	app := apptest.New(t, func(s *config.Settings) { s.Server.CORSOrigins = []string{allowed} })
	preflight := []string{"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization", "Origin"}
	if got := app.Do("OPTIONS", "/me", nil, append(preflight, allowed)...); got.Status != 204 || got.Header.Get("Access-Control-Allow-Origin") != allowed {
		t.Errorf("an allowed preflight: %d %v", got.Status, got.Header)
	}
	for _, route := range apptest.Table() {
		got := app.Do("OPTIONS", route.Path, nil, "Origin", allowed, "Access-Control-Request-Method", route.Method)
		if allowed := got.Header.Get("Access-Control-Allow-Methods"); !strings.Contains(allowed, route.Method) {
			t.Errorf("%s is not among the methods %q", route.Method, allowed)
		}
	}
	if got := app.Get("/healthz", "Origin", "https://evil.example.com").Want(t, 200, ""); got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a request of another origin: %d %v", got.Status, got.Header)
	}
	app.Do("OPTIONS", "/me", nil, append(preflight, "https://evil.example.com")...).Want(t, 405, "method_not_allowed")
	if got := apptest.New(t).Get("/healthz", "Origin", allowed); got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without origins: %v", got.Header)
	}
}

func TestForwardedForCountsOnlyFromTrustedProxies(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for claim, c := range map[string]struct{ trusted, forwarded, want string }{
		"nobody is trusted":               {"", "203.0.113.7", "127.0.0.1"},
		"another is trusted":              {"10.0.0.0/8", "203.0.113.7", "127.0.0.1"},
		"a network":                       {"127.0.0.0/8", "203.0.113.7", "203.0.113.7"},
		"an address":                      {"127.0.0.1", "203.0.113.7", "203.0.113.7"},
		"with a port":                     {"127.0.0.1", "203.0.113.7:4711", "203.0.113.7"},
		"IPv6":                            {"127.0.0.1", "2001:db8::7", "2001:db8::7"},
		"IPv6 in brackets":                {"127.0.0.1", "[2001:db8::7]", "2001:db8::7"},
		"IPv6 in brackets, with a port":   {"127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"},
		"IPv4 in IPv6":                    {"127.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"},
		"what the client says of another": {"127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"},
		"through two proxies":             {"127.0.0.1 10.0.0.0/8", "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"},
		"nonsense":                        {"127.0.0.1", "198.51.100.1, unknown", "127.0.0.1"},
		"nothing":                         {"127.0.0.1", "", "127.0.0.1"},
		"a bracket without its end":       {"127.0.0.1", "198.51.100.1, [2001:db8::1", "127.0.0.1"},
		"a bracket without its beginning": {"127.0.0.1", "198.51.100.1, 2001:db8::1]", "127.0.0.1"},
		"brackets in brackets":            {"127.0.0.1", "198.51.100.1, [[2001:db8::1]]", "127.0.0.1"},
		"IPv4 in brackets":                {"127.0.0.1", "198.51.100.1, [203.0.113.7]", "127.0.0.1"},
		"a port that is too high":         {"127.0.0.1", "198.51.100.1, 203.0.113.7:99999", "127.0.0.1"},
		"a port that is no number":        {"127.0.0.1", "198.51.100.1, 203.0.113.7:http", "127.0.0.1"},
	} {
		t.Run(claim, func(t *testing.T) {
			app := apptest.New(t, func(s *config.Settings) { s.Server.TrustedProxies = strings.Fields(c.trusted) })
			app.Engine.GET("/ip", func(c *gin.Context) { c.String(200, c.ClientIP()) })
			forwarded := []string{"X-Forwarded-For", c.forwarded, "X-Real-IP", "198.51.100.9"}
			if got := app.Get("/ip", forwarded...).Body; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTimesAreUTC(t *testing.T) {
	app := apptest.New(t)
	var user struct {
		CreatedAt time.Time `json:"created_at"`
	}
	start := app.DB.NowFunc()
	body := app.Post("/register", `{"email":"ada@example.com","password":"correct horse"}`).Body
	if err := json.Unmarshal([]byte(body), &user); err != nil || user.CreatedAt.Location() != time.UTC || user.CreatedAt.Before(start) || user.CreatedAt.After(app.DB.NowFunc()) {
		t.Errorf("%v: %s", err, body)
	}
}
