package browser_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/browser"
	"example.com/latchkey/routes"
)

func TestACookieIsALoginUntilTheLogout(t *testing.T) {
	app, cookie := signedIn(t, lagHour)
	if user := app.Get("/protected", "Cookie", cookie).Want(t, 200, ""); user.Field("user_id") != app.User(email).ID.String() || len(cookiesOf(user)) > 0 {
		t.Error(user.Header, user.Body)
	}
	if list := app.Get("/sessions", "Cookie", cookie).Want(t, 200, "").Body; !strings.Contains(list, sessionOf(t, cookie).String()) || !strings.Contains(list, `"current":true`) {
		t.Error(list)
	}
	app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, from(here, cookie)...).Want(t, 204, "")
	wantDeleted(t, app.Do("POST", "/logout", nil, from(here, cookie)...).Want(t, 204, ""))
	wantDeleted(t, app.Get("/protected", "Cookie", cookie).Want(t, 401, "token_revoked"))
	if got := app.Get("/protected").Want(t, 401, "token_missing"); len(cookiesOf(got)) > 0 {
		t.Error(got.Header)
	}
}

func TestTheCookieIsAsSafeAsTheSchemeAllows(t *testing.T) {
	for claim, c := range map[string]struct {
		change func(*config.Settings)
		want   string
	}{
		"http":       {func(*config.Settings) {}, "session=…; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"},
		"https":      {func(s *config.Settings) { s.Server.PublicURL = "HTTPS://api.example.com" }, "__Host-session=…; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax"},
		"production": {func(s *config.Settings) { s.Environment = settings.Production }, "__Host-session=…; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax"},
		"a base path and a life of an hour": {func(s *config.Settings) {
			s.Server.BasePath, s.JWT.RefreshTTL = "/v1", time.Hour
		}, "session=…; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
	} {
		t.Run(claim, func(t *testing.T) {
			app := apptest.New(t, c.change)
			app.Register(email)
			answer := app.Post("/login", asksForCookie, here...).Want(t, 204, "")
			set := cookiesOf(answer)[0]
			if got := strings.Replace(answer.Header.Get("Set-Cookie"), set.Value, "…", 1); got != c.want || answer.Body != "" || answer.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("answered %q, %v", answer.Body, answer.Header)
			}
			cookie := set.Name + "=" + set.Value
			app.Get("/protected", "Cookie", cookie).Want(t, 200, "")
			app.Get("/protected", "Cookie", strings.Replace(cookie+"; other=1", "session", "Session", 1)).Want(t, 401, "token_missing")
			gone := app.Do("POST", "/logout", nil, from(here, cookie)...).Want(t, 204, "")
			if want := strings.Replace(c.want, c.want[strings.Index(c.want, "=…"):strings.Index(c.want, "; Http")], "=; Path=/; Max-Age=0", 1); gone.Header.Get("Set-Cookie") != want {
				t.Errorf("the logout sets %v, want %s", gone.Header.Values("Set-Cookie"), want)
			}
			app.RunBeside(app.Program.ServeParts)
			kit.Await(t, "the log says once that the cookie is not Secure", func() bool {
				return strings.Contains(c.want, "Secure") || strings.Count(app.Log.String(), "is not Secure") == 1
			})
		})
	}
}

func TestALoginThatIsRefusedSetsNoCookie(t *testing.T) {
	app := apptest.New(t)
	app.Register(email)
	app.Register("out@example.com")
	app.DB.Model(app.User("out@example.com")).Update("disabled", true)
	for claim, c := range map[string]struct {
		body   string
		page   []string
		status int
		code   string
	}{
		"a wrong password":     {`{"email":"ada@example.com","password":"wrong","session":"cookie"}`, here, 401, "login_failed"},
		"a disabled user":      {strings.Replace(asksForCookie, "ada", "out", 1), here, 403, "forbidden"},
		"another kind":         {strings.Replace(asksForCookie, `"cookie"`, `"Cookie"`, 1), here, 422, "validation_failed"},
		"a kind of no text":    {strings.Replace(asksForCookie, `"cookie"`, `true`, 1), here, 422, "validation_failed"},
		"no kind, so tokens":   {strings.Replace(asksForCookie, `"cookie"`, `""`, 1), nil, 200, ""},
		"null, so tokens":      {strings.Replace(asksForCookie, `"cookie"`, `null`, 1), nil, 200, ""},
		"another site":         {asksForCookie, []string{"Sec-Fetch-Site", "cross-site"}, 403, "forbidden"},
		"another site's form":  {"username=ada@example.com&password=correct+horse&session=cookie", []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "application/x-www-form-urlencoded"}, 403, "forbidden"},
		"no header of a page":  {asksForCookie, nil, 403, "forbidden"},
		"JSON as plain text":   {asksForCookie, append([]string{"Content-Type", "text/plain"}, here...), 415, "unsupported_media_type"},
		"another site, by GET": {"", nil, 405, "method_not_allowed"},
	} {
		t.Run(claim, func(t *testing.T) {
			method := map[bool]string{true: "GET", false: "POST"}[c.status == 405]
			answer := app.Do(method, "/login", strings.NewReader(c.body), c.page...).Want(t, c.status, c.code)
			if len(cookiesOf(answer)) > 0 || claim == "another kind" && !strings.Contains(answer.Body, `"field":"session"`) {
				t.Error(answer.Header, answer.Body)
			}
		})
	}
	var sessions int64
	if app.DB.Table("browser_sessions").Count(&sessions); sessions != 0 {
		t.Errorf("%d sessions have begun", sessions)
	}
	form := append([]string{"Content-Type", "application/x-www-form-urlencoded"}, here...)
	app.Post("/login", "username=ada@example.com&password=correct+horse&session=cookie", form...).Want(t, 204, "")
}

// badCookies are cookies that do not work, each with the code of its error.
func badCookies(t *testing.T, app *apptest.App, cookie string) map[string][2]string {
	t.Helper()
	const invalid, revoked = "token_invalid", "token_revoked"
	value := strings.TrimPrefix(cookie, "session=")
	app.Register("bob@example.com")
	bearer, refresh := app.Session("bob@example.com")
	var tokens models.Session
	if err := app.DB.Take(&tokens, "user_id = ?", app.User("bob@example.com").ID).Error; err != nil {
		t.Fatal(err)
	}
	bad := map[string][2]string{
		"a flipped bit":                      {"session=" + kit.Flip(value), invalid},
		"a letter more":                      {cookie + "A", invalid},
		"cut":                                {cookie[:len(cookie)-1], invalid},
		"empty":                              {"session=", invalid},
		"8 KiB":                              {"session=" + strings.Repeat("A", 8<<10), invalid},
		"two of one name":                    {cookie + "; " + cookie, invalid},
		"a shadow of another path first":     {"session=" + kit.Flip(value) + "; " + cookie, invalid},
		"a refresh token":                    {"session=" + refresh, invalid},
		"an access token":                    {"session=" + strings.TrimPrefix(bearer[1], "Bearer "), invalid},
		"of a session with tokens":           {signed(app, tokens.ID, "browser session"), revoked},
		"of a session that there never was":  {signed(app, app.User(email).ID, "browser session"), revoked},
		"signed for another use":             {signed(app, sessionOf(t, cookie), "refresh token"), invalid},
		"of an ended session":                {logIn(t, app), revoked},
		"of an expired session":              {logIn(t, app), "token_expired"},
		"of a deleted session":               {logIn(t, app), revoked},
		"of a session that has lost its row": {logIn(t, app), revoked},
	}
	update(t, app, bad["of an ended session"][0], "sessions", "revoked_at", app.DB.NowFunc())
	update(t, app, bad["of an expired session"][0], "sessions", "expires_at", app.DB.NowFunc())
	app.DB.Delete(&models.Session{}, "id = ?", sessionOf(t, bad["of a deleted session"][0]))
	app.DB.Exec("DELETE FROM browser_sessions WHERE session_id = ?", sessionOf(t, bad["of a session that has lost its row"][0]))
	return bad
}

func TestEveryProtectedRouteRefusesEveryBadCookie(t *testing.T) {
	app, cookie := signedIn(t, lagHour)
	app.Get("/protected", "Cookie", cookie).Want(t, 200, "") // cached, which must not weaken the checks
	bad := badCookies(t, app, cookie)
	for _, route := range apptest.ProtectedRoutes() {
		for claim, attack := range bad {
			t.Run(route.Method+" "+route.Path+"/"+claim, func(t *testing.T) {
				wantDeleted(t, app.Serve(route.Method, route.Path, "", from(here, attack[0])...).Want(t, 401, attack[1]))
			})
		}
	}
	app.Get("/protected", "Cookie", cookie).Want(t, 200, "")
}

func TestACookieIsGoodOnlyAsTheCookie(t *testing.T) {
	app, cookie := signedIn(t)
	value := strings.TrimPrefix(cookie, "session=")
	app.Get("/protected", kit.Bearer(value)...).Want(t, 401, "token_invalid")
	app.Get("/protected", "Cookie", "__Host-"+cookie).Want(t, 401, "token_missing")
	app.Get("/protected?session="+value, "X-Session", value).Want(t, 401, "token_missing")
	app.Refresh(value).Want(t, 401, "token_invalid")
	app.Get("/protected", "Cookie", cookie).Want(t, 200, "")
}

func TestAnAuthorizationHeaderIsJudgedAlone(t *testing.T) {
	app, cookie := signedIn(t)
	app.Register("bob@example.com")
	bob := app.Login("bob@example.com")
	if got := app.Get("/me", append(bob, "Cookie", cookie)...).Want(t, 200, "").Field("email"); got != "bob@example.com" {
		t.Error(got)
	}
	for header, code := range map[string]string{"Bearer broken": "token_invalid", "Basic YTpi": "token_missing", "": "token_missing"} {
		if answer := app.Get("/me", "Authorization", header, "Cookie", cookie).Want(t, 401, code); len(cookiesOf(answer)) > 0 {
			t.Errorf("%q: %v", header, answer.Header)
		}
	}
	if answer := app.Do("POST", "/logout", nil, append(bob, "Cookie", cookie)...).Want(t, 204, ""); len(cookiesOf(answer)) > 0 { // not from a page
		t.Error(answer.Header)
	}
	app.Get("/protected", "Cookie", cookie).Want(t, 200, "")
}

func TestWhatEndsASessionEndsThatOfACookie(t *testing.T) {
	for claim, end := range map[string]func(app *apptest.App, cookie string, bearer []string){
		"its end from elsewhere": func(app *apptest.App, cookie string, bearer []string) {
			app.Do("DELETE", "/sessions/"+sessionOf(t, cookie).String(), nil, bearer...).Want(t, 204, "")
		},
		"the end of all others": func(app *apptest.App, _ string, bearer []string) {
			app.Do("DELETE", "/sessions?scope=others", nil, bearer...).Want(t, 204, "")
		},
		"a new password": func(app *apptest.App, _ string, bearer []string) {
			app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, bearer...).Want(t, 204, "")
		},
		"a limit of sessions": func(app *apptest.App, _ string, _ []string) { app.Login(email); app.Login(email) },
		"the end of the user": func(app *apptest.App, _ string, bearer []string) {
			app.Post("/me/delete", `{"current_password":"correct horse"}`, bearer...).Want(t, 204, "")
		},
		"an admin": func(app *apptest.App, _ string, _ []string) {
			app.Do("PATCH", "/users/"+app.User(email).ID.String(), strings.NewReader(`{"disabled":true}`), app.Admin("root@example.com")...).Want(t, 200, "")
		},
	} {
		t.Run(claim, func(t *testing.T) {
			app, cookie := signedIn(t, lagHour, func(s *config.Settings) { s.JWT.MaxSessions = 2 })
			bearer := app.Login(email)
			app.Get("/protected", "Cookie", cookie).Want(t, 200, "")
			end(app, cookie, bearer)
			wantDeleted(t, app.Get("/protected", "Cookie", cookie).Want(t, 401, "token_revoked"))
			var marks int64
			if app.DB.Table("browser_sessions").Count(&marks); claim == "the end of the user" && marks > 0 {
				t.Errorf("%d sessions are marked", marks)
			}
		})
	}
}

func TestAnotherProcessRefusesAnEndedCookieAfterTheLag(t *testing.T) {
	app, cookie := signedIn(t)
	other := func(lag time.Duration) *apptest.App {
		return apptest.New(t, func(s *config.Settings) { *s = app.Settings; s.JWT.RevocationLag = lag })
	}
	never, soon, late := other(0), other(100*time.Millisecond), other(time.Hour)
	for _, each := range []*apptest.App{never, soon, late} {
		each.Get("/protected", "Cookie", cookie).Want(t, 200, "")
	}
	app.Do("POST", "/logout", nil, from(here, cookie)...).Want(t, 204, "")
	never.Get("/protected", "Cookie", cookie).Want(t, 401, "token_revoked")
	kit.Await(t, "the cookie is refused", func() bool { return soon.Get("/protected", "Cookie", cookie).Status != 200 })
	wantDeleted(t, soon.Get("/protected", "Cookie", cookie).Want(t, 401, "token_revoked"))
	late.Get("/protected", "Cookie", cookie).Want(t, 200, "") // now cached
}

func TestWithoutTheDatabaseOnlyAForgedCookieIsRefused(t *testing.T) {
	app, cookie := signedIn(t)
	if err := database.Close(app.DB); err != nil {
		t.Fatal(err)
	}
	if answer := app.Get("/protected", "Cookie", cookie).Want(t, 503, "unavailable"); len(cookiesOf(answer)) > 0 {
		t.Error(answer.Header)
	}
	wantDeleted(t, app.Get("/protected", "Cookie", "session="+kit.Flip(strings.TrimPrefix(cookie, "session="))).Want(t, 401, "token_invalid"))
}

func TestACookieOutlivesItsSecret(t *testing.T) {
	app, cookie := signedIn(t)
	change := func(previous ...settings.Secret) *apptest.App {
		return apptest.New(t, func(s *config.Settings) {
			*s = app.Settings
			s.JWT.Secret, s.JWT.PreviousSecrets = settings.NewSecret(), previous
		})
	}
	change(app.Settings.JWT.Secret).Get("/protected", "Cookie", cookie).Want(t, 200, "")
	change().Get("/protected", "Cookie", cookie).Want(t, 401, "token_invalid")
}

func TestACookieIsOnlyInTheAnswerThatSetsIt(t *testing.T) {
	app, cookie := signedIn(t)
	app.RunJobs()
	app.RunBeside(app.Program.ServeParts)
	seen := app.Get("/me", "Cookie", cookie).Want(t, 200, "").Body + app.Get("/sessions", "Cookie", cookie).Body
	app.Get("/protected", "Cookie", cookie+"A").Want(t, 401, "token_invalid")
	app.Do("POST", "/logout", nil, "Cookie", cookie).Want(t, 403, "forbidden")
	tables, err := app.DB.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var rows []map[string]any
		app.DB.Table(table).Find(&rows)
		seen += fmt.Sprintf("%s: %s", table, rows)
	}
	if seen += app.Log.String(); strings.Contains(seen, strings.TrimPrefix(cookie, "session=")) {
		t.Errorf("%s is in %s", cookie, seen)
	}
}

func TestASessionSlidesByUse(t *testing.T) {
	app, fresh := signedIn(t)
	used, old := logIn(t, app), logIn(t, app)
	ago := func(d time.Duration) time.Time { return app.DB.NowFunc().Add(-d) }
	for _, cookie := range []string{used, old} {
		update(t, app, cookie, "sessions", "last_used_at", ago(2*time.Minute))
		update(t, app, cookie, "sessions", "expires_at", ago(-time.Hour))
	}
	update(t, app, old, "browser_sessions", "cookie_set_at", ago(61*time.Minute))
	start, since := app.DB.NowFunc(), kit.Statements(t, app.App)
	if again := setAgain(t, app, fresh, used, old); !slices.Equal(again, []string{old}) {
		t.Errorf("the cookies are set again: %v, want %s once", again, old)
	}
	written := func() int {
		return len(slices.DeleteFunc(since(), func(statement string) bool { return !strings.HasPrefix(statement, "UPDATE") }))
	}
	if count := written(); count > 0 {
		t.Errorf("requests have written %d times", count)
	}
	app.RunBeside(app.Program.ServeParts)
	moved := func() (count int64) {
		app.DB.Model(&models.Session{}).Where("last_used_at >= ? AND expires_at >= ?", start, start.Add(app.Settings.JWT.RefreshTTL)).Count(&count)
		return count
	}
	kit.Await(t, "the two uses are stored", func() bool { return moved() == 2 })
	renewed := func() (count int64) {
		app.DB.Table("browser_sessions").Where("cookie_set_at >= ?", start).Count(&count)
		return count
	}
	kit.Await(t, "the new Set-Cookie is stored", func() bool { return renewed() == 1 })
	if count := written(); count > 3 {
		t.Errorf("%d statements store two uses and a Set-Cookie", count)
	}
	other := apptest.New(t, func(s *config.Settings) { *s = app.Settings })
	if again := setAgain(t, other, fresh, used, old); len(again) > 0 {
		t.Errorf("another process sets the cookies again: %v", again)
	}
}

// setAgain uses each cookie 20 times at once, and returns the cookies that the answers set.
func setAgain(t *testing.T, app *apptest.App, cookies ...string) (again []string) {
	t.Helper()
	answers := make(chan kit.Answer, 20*len(cookies))
	var do []func()
	for range 20 {
		for _, cookie := range cookies {
			do = append(do, func() { answers <- app.Get("/protected", "Cookie", cookie).Want(t, 200, "") })
		}
	}
	kit.Together(do...)
	close(answers)
	for answer := range answers {
		for _, set := range cookiesOf(answer) {
			again = append(again, set.Name+"="+set.Value)
		}
	}
	return again
}

func TestARequestByCookieHasTheClaimsOfItsSession(t *testing.T) {
	app, cookie := signedIn(t)
	var failed error
	program := app.Program
	program.Accounts.Claims = []accounts.Claims{func(_ context.Context, session models.Session) (map[string]any, error) {
		return map[string]any{"began": session.ID}, failed
	}}
	program.LogFields = []func(context.Context) []slog.Attr{func(ctx context.Context) []slog.Attr {
		return []slog.Attr{slog.Any("began", accounts.ClaimsFrom(ctx)["began"])}
	}}
	engine, err := routes.Engine(program)
	if err != nil {
		t.Fatal(err)
	}
	app.Engine = engine
	failed = errors.New("there is no plan")
	app.Serve("GET", "/me", "", "Cookie", cookie).Want(t, 500, "internal")
	failed = nil
	app.Serve("GET", "/me", "", "Cookie", cookie).Want(t, 200, "")
	if want := "began=" + sessionOf(t, cookie).String(); !strings.Contains(app.Log.String(), want) {
		t.Errorf("the log has no %s", want)
	}
}

func TestAnEndedSessionDoesNotSlide(t *testing.T) {
	app, cookie := signedIn(t, lagHour)
	before := app.DB.NowFunc().Add(-time.Hour)
	update(t, app, cookie, "sessions", "last_used_at", before)
	app.Get("/protected", "Cookie", cookie).Want(t, 200, "") // its use waits
	update(t, app, cookie, "sessions", "revoked_at", app.DB.NowFunc())
	later := logIn(t, app)
	update(t, app, later, "sessions", "last_used_at", before)
	app.Get("/protected", "Cookie", later).Want(t, 200, "")
	app.RunBeside(app.Program.ServeParts)
	lastUsed := func(cookie string) time.Time {
		var session models.Session
		app.DB.Take(&session, "id = ?", sessionOf(t, cookie))
		return session.LastUsedAt
	}
	kit.Await(t, "the use of the later session is stored", func() bool { return !lastUsed(later).Equal(before) })
	if !lastUsed(cookie).Equal(before) {
		t.Error("the ended session is used")
	}
}

func TestOriginsAreNormalized(t *testing.T) {
	load := func(origins string) ([]string, error) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		read, err := config.Load(file, []string{"APP_BROWSER_ORIGINS=" + origins, "APP_JWT_SECRET=" + string(settings.NewSecret())}, browser.Part().Settings...)
		if err != nil {
			return nil, err
		}
		return config.Of[browser.Settings](read).Origins, nil
	}
	if got, err := load("HTTPS://App.example.com:443,http://localhost:5173"); err != nil || !slices.Equal(got, []string{"https://app.example.com", "http://localhost:5173"}) {
		t.Error(got, err)
	}
	for _, bad := range []string{"*", "https://*.example.com", "app.example.com", "https://app.example.com/", "null"} {
		if got, err := load(bad); err == nil || !strings.Contains(err.Error(), "browser.origins: ") {
			t.Errorf("%s: %v, %v", bad, got, err)
		}
	}
}
