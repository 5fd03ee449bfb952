package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/ticket"
)

func TestABrowserLogsInAndIsTheSameUserAgain(t *testing.T) {
	app, p := start(t)
	needCookies(t, app)
	b := newBrowser(t, app)
	to := b.get("/login/p?return_to=/me%3Fa=b").Want(t, 303, "")
	begun, err := url.Parse(to.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	set := to.Header.Get("Set-Cookie")
	for _, want := range []string{"; Path=/login/p/callback;", "; Max-Age=600;", "; HttpOnly", "; SameSite=Lax"} {
		if !strings.Contains(set, want) || to.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the cookie is %s, without %s", set, want)
		}
	}
	if asked := begun.Query(); asked.Get("scope") != "openid email profile" || asked.Get("redirect_uri") != "http://127.0.0.1:8080/login/p/callback" {
		t.Errorf("asked for %v", asked)
	}
	if back := b.get(approve(t, begun.String())).Want(t, 303, "").Header.Get("Location"); back != "/me?a=b" {
		t.Errorf("the browser is at %s", back)
	}
	if b.user() != ada || !app.User(ada).EmailVerified || *app.User(ada).Name != "Ada Lovelace" || app.User(ada).PasswordHash != "" {
		t.Errorf("logged in as %s, %+v", b.user(), app.User(ada))
	}
	if len(b.cookies) != 1 {
		t.Errorf("the browser has the cookies %v", b.cookies)
	}
	for _, secret := range []string{p.Requests(Token)[0].Form.Get("code"), begun.Query().Get("state"), begun.Query().Get("nonce")} {
		if strings.Contains(app.Log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
	again := newBrowser(t, app)
	again.logIn("/login/p").Want(t, 303, "")
	if got := counts(app); got != [3]int64{1, 2, 1} {
		t.Errorf("there are %v", got)
	}
	if read := len(p.Requests(Discovery)); read != 1 {
		t.Errorf("the metadata was read %d times", read)
	}
}

func TestAnAppLogsInByCodeAndPKCE(t *testing.T) {
	app, _ := start(t)
	needTokens(t, app)
	var seen []error
	if observed := app.Accounts.OnLogin; len(observed) > 0 { // the routes have the same
		observed[0] = func(err error) { seen = append(seen, err) }
		defer func() {
			if len(seen) != 2 || seen[0] != nil || seen[1] == nil {
				t.Errorf("the results of the logins are %v", seen)
			}
		}()
	}
	code := codeFor(t, app)
	if got := counts(app); got != [3]int64{1, 0, 1} {
		t.Errorf("before the code is redeemed, there are %v", got)
	}
	for claim, changes := range map[string]url.Values{
		"another verifier":     {"code_verifier": {verifier + "x"}},
		"no verifier":          {"code_verifier": {""}},
		"another redirect_uri": {"redirect_uri": {"https://app.example.com/"}},
		"another code":         {"code": {kit.Flip(code)}},
		"no code":              {"code": {""}},
	} {
		if got := redeem(app, code, changes); got.Status != 400 || got.Field("error") != "invalid_grant" && got.Field("error") != "invalid_request" {
			t.Errorf("%s: answered %d %s", claim, got.Status, got.Body)
		}
	}
	token := redeem(app, code, nil).Want(t, 200, "")
	if got := app.Get("/me", kit.Bearer(token.Field("access_token"))...).Want(t, 200, "").Field("email"); got != ada {
		t.Errorf("logged in as %s", got)
	}
	app.Refresh(token.Field("refresh_token")).Want(t, 200, "")
	if got := redeem(app, code, nil); got.Status != 400 || got.Field("error") != "invalid_grant" {
		t.Errorf("the code works twice: %d %s", got.Status, got.Body)
	}
	if events := app.Get("/me/events", kit.Bearer(token.Field("access_token"))...); events.Status == 200 && !strings.Contains(events.Body, `"provider":"p"`) {
		t.Errorf("the events are %s", events.Body)
	}
}

func TestACodeEnds(t *testing.T) {
	for claim, end := range map[string]string{
		"when the identity is unlinked": "DELETE FROM identities",
		"when the user is deleted":      "DELETE FROM users",
		"when the user is disabled":     "UPDATE users SET disabled = true",
	} {
		t.Run(claim, func(t *testing.T) {
			app, _ := start(t)
			needTokens(t, app)
			code := codeFor(t, app)
			app.DB.Exec(end)
			if got := redeem(app, code, nil); got.Status != 400 || got.Field("error") != "invalid_grant" {
				t.Errorf("answered %d %s", got.Status, got.Body)
			}
		})
	}
}

func TestALoginLeadsOnlyToKnownPlaces(t *testing.T) {
	app, p := start(t)
	needCookies(t, app)
	b := newBrowser(t, app)
	for to, status := range map[string]int{
		"/me": 303, "/me?x=/y#z": 303, "/%2Fevil.example": 303, "/.//evil.example": 303,
		"//evil.example": 422, `/\evil.example`: 422, "/\t/evil.example": 422, "\v//evil.example": 422,
		"https://evil.example": 422, "https:evil.example": 422, "javascript:alert(1)": 422, "me": 422,
		"/ä": 422, "/" + strings.Repeat("x", 1000): 422,
		appURL: 422, appURL + "&c=d": 422, "https://app.example.com/in": 422,
	} {
		if got := b.get("/login/p?return_to=" + url.QueryEscape(to)); got.Status != status {
			t.Errorf("%q is answered %d %s, want %d", to, got.Status, got.Body, status)
		}
	}
	longest := asApp()
	longest.Set("state", strings.Repeat("\x01", 200))
	for _, query := range []string{"return_to=/" + strings.Repeat("%26", 999), "return_to=/" + strings.Repeat("%22", 999), longest.Encode()} {
		if set := b.get("/login/p?"+query).Want(t, 303, "").Header.Get("Set-Cookie"); len(set) > 4000 {
			t.Errorf("a cookie has %d bytes, and browsers take 4096", len(set))
		}
	}
	for claim, changes := range map[string][2]string{
		"no challenge":      {"code_challenge", ""},
		"a short challenge": {"code_challenge", "x"},
		"a plain challenge": {"code_challenge_method", "plain"},
		"no method":         {"code_challenge_method", ""},
		"no state":          {"state", ""},
		"a huge state":      {"state", strings.Repeat("x", 201)},
	} {
		query := asApp()
		query.Set(changes[0], changes[1])
		if got := b.get("/login/p?" + query.Encode()); got.Status != 422 {
			t.Errorf("%s: answered %d %s", claim, got.Status, got.Body)
		}
	}
	b.get("/login/q").Want(t, 404, "not_found")
	b.get("/login/q/callback?state=x").Want(t, 401, "login_failed")
	if len(p.Requests(Authorization)) > 0 || counts(app) != [3]int64{} {
		t.Error("something has changed")
	}
}

func TestAReturnIsBoundToItsBrowserAndWorksOnce(t *testing.T) {
	app, p := start(t)
	needCookies(t, app)
	b, other := newBrowser(t, app), newBrowser(t, app)
	first, second := b.approved("/login/p?return_to=/1"), b.approved("/login/p?return_to=/2")
	other.approved("/login/p")
	other.get(first).Want(t, 401, "login_failed")
	stolen := map[string]string{}
	for name, value := range b.cookies {
		stolen[name] = value
	}
	for want, address := range map[string]string{"/1": first, "/2": second} {
		if got := b.get(address).Want(t, 303, "").Header.Get("Location"); got != want {
			t.Errorf("the login of %s leads to %s", want, got)
		}
	}
	redeemed := len(p.Requests(Token))
	thief := newBrowser(t, app)
	thief.cookies = stolen
	thief.get(first).Want(t, 401, "login_failed")
	for claim, address := range map[string]string{
		"no state":      "/login/p/callback?code=x",
		"another state": "/login/p/callback?code=x&state=y",
	} {
		if got := b.get(address); got.Status != 401 {
			t.Errorf("%s: answered %d", claim, got.Status)
		}
	}
	if len(p.Requests(Token)) != redeemed {
		t.Error("a refused return was redeemed")
	}
}

func TestProvidersAreNotMixedUp(t *testing.T) {
	honest, evil := newFake(t), newFake(t)
	app := withProviders(t, map[string]*fakeProvider{"honest": honest, "evil": evil})
	// The evil provider sends the browser on to the honest one, and wants its code.
	evil.Forge(Forgery{Discovery: JSON{"authorization_endpoint": honest.URL + string(Authorization)}})
	b := newBrowser(t, app)
	back := b.approved(appLogin("evil"))
	b.get(back).Want(t, 401, "login_failed")
	b.get(strings.Replace(b.approved(appLogin("evil")), "/login/evil/", "/login/honest/", 1)).Want(t, 401, "login_failed")
	if len(evil.Requests(Token))+len(honest.Requests(Token)) > 0 || counts(app) != [3]int64{} {
		t.Error("a code has left the program")
	}
}

func TestAPersonSeesAnErrorAsAPage(t *testing.T) {
	app, p := start(t)
	p.Forge(Forgery{Callback: JSON{"error": "access_denied", "code": Missing{}}})
	b := newBrowser(t, app)
	page := b.get(b.approved(appLogin("p")), "Accept", "text/html,application/json;q=0.5").Want(t, 401, "")
	for _, want := range []string{"p has not logged you in", `href="https://app.example.com/in?a=b"`} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page has no %s: %s", want, page.Body)
		}
	}
	if page.Header.Get("WWW-Authenticate") == "" || !strings.Contains(page.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the headers are %v", page.Header)
	}
	query := asApp()
	query.Set("return_to", schemeURL)
	if page := b.get(b.approved("/login/p?"+query.Encode()), "Accept", "text/html").Body; !strings.Contains(page, `href="`+schemeURL+`"`) {
		t.Errorf("the page has no link to the app: %s", page)
	}
	if lost := b.get("/login/p/callback", "Accept", "text/html").Want(t, 401, "").Body; !strings.Contains(lost, `href="../p"`) {
		t.Errorf("the page is %s", lost)
	}
	if !strings.Contains(app.Log.String(), "access_denied") {
		t.Error("the log does not have the reason")
	}
}

func TestWithoutAProviderThereIsNothing(t *testing.T) {
	app := withProviders(t, nil)
	bearer := login(app)
	for _, path := range []string{"/login/p", "/login/p/callback"} {
		app.Get(path).Want(t, 404, "not_found")
	}
	app.Get("/me/identities", bearer...).Want(t, 404, "not_found")
	if got := redeem(app, "x", nil); got.Status != 404 && got.Field("error") != "unsupported_grant_type" {
		t.Error(got.Body)
	}
	if jobs := len(app.Program.Jobs); jobs != len(withProviders(t, map[string]*fakeProvider{"p": newFake(t)}).Program.Jobs)-1 {
		t.Errorf("there are %d jobs", jobs)
	}
}

func TestTheCookieOfAReturnIsSecureOverHTTPS(t *testing.T) {
	app, _ := start(t, func(s *config.Settings) { s.Server.PublicURL, s.Server.BasePath = "https://api.example.com/x/", "/v1" })
	answer := newBrowser(t, app).get(appLogin("p")).Want(t, 303, "")
	if set := answer.Header.Get("Set-Cookie"); !strings.Contains(set, "; Secure") || !strings.Contains(set, "Path=/x/v1/login/p/callback;") {
		t.Errorf("the cookie is %s", set)
	}
	if to := answer.Header.Get("Location"); !strings.Contains(to, url.QueryEscape("https://api.example.com/x/v1/login/p/callback")) {
		t.Errorf("the browser is at %s", to)
	}
	escaped, _ := start(t, func(s *config.Settings) { s.Server.PublicURL = "https://api.example.com/%C3%A4" })
	if set := newBrowser(t, escaped).get("/login/p").Header.Get("Set-Cookie"); len(escaped.Accounts.Carriers) > 0 && !strings.Contains(set, "Path=/%C3%A4/login/p/callback;") {
		t.Errorf("the cookie is %s", set)
	}
	if got := newBrowser(t, app).logIn("/login/p"); got.Status == 303 && got.Header.Get("Location") != "/x/v1/" {
		t.Errorf("the browser is at %s then", got.Header.Get("Location"))
	}
}

func TestWhatALoginKeepsExpires(t *testing.T) {
	app, _ := start(t)
	now := time.Now()
	app.DB.NowFunc = func() time.Time { return now }
	b, bearer := newBrowser(t, app), login(app)
	back, address := b.approved(appLogin("p")), link(t, app, bearer)
	code := codeFor(t, app)
	now = now.Add(time.Minute)
	b.get(address).Want(t, 401, "login_failed")
	if got := redeem(app, code, nil); got.Status == 200 {
		t.Error("a code works for longer than a minute")
	}
	now = now.Add(9 * time.Minute)
	b.get(back).Want(t, 401, "login_failed")
}

func TestACodeWorksOnceAlsoAfterAPurgeByAClockThatIsAhead(t *testing.T) {
	app, _ := start(t)
	needTokens(t, app)
	code := codeFor(t, app)
	redeem(app, code, nil).Want(t, 200, "")
	now := app.DB.NowFunc
	app.DB.NowFunc = func() time.Time { return now().Add(5 * time.Minute) }
	if err := ticket.Purge(t.Context(), app.DB); err != nil {
		t.Fatal(err)
	}
	app.DB.NowFunc = now
	if got := redeem(app, code, nil); got.Field("error") != "invalid_grant" {
		t.Errorf("answered %d %s", got.Status, got.Body)
	}
}

func TestWhatALoginKeepsIsForOneState(t *testing.T) {
	app := withProviders(t, map[string]*fakeProvider{"p": newFake(t), "q": newFake(t)})
	b := newBrowser(t, app)
	back, err := url.Parse(b.approved(appLogin("p")))
	if err != nil {
		t.Fatal(err)
	}
	query := back.Query()
	b.cookies["login-another"] = b.cookies["login-"+query.Get("state")]
	query.Set("state", "another")
	b.get(back.Path+"?"+query.Encode()).Want(t, 401, "login_failed")
	b.get(strings.Replace(link(t, app, login(app)), "/login/p", "/login/q", 1)).Want(t, 401, "login_failed")
}

func TestOneAddressComesBackOnlySoOften(t *testing.T) {
	app, p := start(t, func(s *config.Settings) { s.Login.MaxFailures = 1 })
	b := newBrowser(t, app)
	for range 10 { // as often as it may fail to log in
		b.logIn(appLogin("p")).Want(t, 303, "")
	}
	b.logIn(appLogin("p")).Want(t, 429, "too_many_attempts")
	if got := len(p.Requests(Token)); got != 10 {
		t.Errorf("%d codes were redeemed", got)
	}
}
