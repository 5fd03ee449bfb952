package routes_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/models"
)

// moveBack changes a time of the user's sessions to an earlier one.
func moveBack(t testing.TB, app *apptest.App, column string, by time.Duration) {
	t.Helper()
	var sessions []models.Session
	app.DB.Find(&sessions)
	for _, session := range sessions {
		was := map[string]time.Time{"last_used_at": session.LastUsedAt, "expires_at": session.ExpiresAt, "created_at": session.CreatedAt}[column]
		if err := app.DB.Model(&session).Update(column, was.Add(-by)).Error; err != nil {
			t.Fatal(err)
		}
	}
}

func TestARefreshReturnsNewTokens(t *testing.T) {
	app, _, token := apptest.SignedIn(t)
	for range 3 {
		answer := app.Refresh(token).Want(t, 200, "")
		if answer.Field("refresh_token") == token || answer.Field("token_type") != "Bearer" ||
			!strings.Contains(answer.Body, `"expires_in":900`) || !strings.Contains(answer.Body, `"refresh_expires_in":2592000`) {
			t.Error(answer.Body)
		}
		app.Get("/protected", kit.Bearer(answer.Field("access_token"))...).Want(t, 200, "")
		token = answer.Field("refresh_token")
	}
}

func TestARefreshExtendsTheSession(t *testing.T) {
	app, bearer, token := apptest.SignedIn(t)
	moveBack(t, app, "expires_at", time.Hour)
	moveBack(t, app, "last_used_at", time.Hour)
	read := func() (is models.Session) {
		app.Get("/protected", bearer...).Want(t, 200, "")
		app.DB.Take(&is)
		return is
	}
	before, start := read(), app.DB.NowFunc()
	app.Refresh(token).Want(t, 200, "")
	after, end := read(), app.DB.NowFunc()
	if start.Sub(before.LastUsedAt) < time.Hour || after.LastUsedAt.Before(start) || after.LastUsedAt.After(end) {
		t.Errorf("used %v, then %v, which is not from %v to %v", before.LastUsedAt, after.LastUsedAt, start, end)
	}
	if lives := after.ExpiresAt.Sub(after.LastUsedAt); lives != 720*time.Hour {
		t.Errorf("expires in %v", lives)
	}
}

func TestInvalidRefreshTokens(t *testing.T) {
	app := apptest.New(t)
	for claim, c := range map[string]struct {
		spoil func(app *apptest.App, token string) string
		code  string
	}{
		"an expired session's": {func(app *apptest.App, token string) string {
			moveBack(t, app, "expires_at", 721*time.Hour)
			return token
		}, "token_expired"},
		"an ended session's": {func(app *apptest.App, token string) string { end(app); return token }, "token_revoked"},
		"a deleted session's": {func(app *apptest.App, token string) string {
			app.DB.Where("true").Delete(&models.Session{})
			return token
		}, "token_revoked"},
		"a disabled user's": {func(app *apptest.App, token string) string {
			app.DB.Model(app.User("ada@example.com")).Update("disabled", true)
			return token
		}, "token_revoked"},
		"a deleted user's":  {func(app *apptest.App, token string) string { app.DB.Delete(app.User("ada@example.com")); return token }, "token_revoked"},
		"another secret's":  {func(*apptest.App, string) string { _, _, other := apptest.SignedIn(t); return other }, "token_invalid"},
		"a letter changed":  {func(_ *apptest.App, token string) string { return kit.Flip(token) }, "token_invalid"},
		"a letter missing":  {func(_ *apptest.App, token string) string { return token[:len(token)-1] }, "token_invalid"},
		"an extra letter":   {func(_ *apptest.App, token string) string { return token + "A" }, "token_invalid"},
		"padded":            {func(_ *apptest.App, token string) string { return token + "==" }, "token_invalid"},
		"an unused bit set": {func(_ *apptest.App, token string) string { return kit.SetUnusedBit(token) }, "token_invalid"},
		"an extra newline":  {func(_ *apptest.App, token string) string { return token + `\n` }, "token_invalid"},
		"only newlines":     {func(_ *apptest.App, token string) string { return strings.Repeat(`\n`, len(token)) }, "token_invalid"},
		"an access token":   {func(app *apptest.App, _ string) string { return app.Login("ada@example.com")[1][len("Bearer "):] }, "token_invalid"},
		"a word":            {func(*apptest.App, string) string { return "token" }, "token_invalid"},
		"50 KB":             {func(*apptest.App, string) string { return strings.Repeat("x", 50_000) }, "token_invalid"},
	} {
		t.Run(claim, func(t *testing.T) {
			_, token := app.NewUser()
			answer := app.Refresh(c.spoil(app, token)).Want(t, 401, c.code)
			if !strings.Contains(answer.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Error(answer.Header.Get("WWW-Authenticate"))
			}
			if c.code == "token_invalid" { // the session is still valid
				app.Refresh(token).Want(t, 200, "")
			}
		})
	}
}

// end ends all sessions in the database, without the API.
func end(app *apptest.App) {
	app.DB.Model(&models.Session{}).Where("true").Update("revoked_at", app.DB.NowFunc())
}

func TestALostAnswerIsRepeated(t *testing.T) {
	app, _, first := apptest.SignedIn(t, func(s *config.Settings) { s.JWT.RefreshGrace = 10 * time.Hour })
	second := app.Refresh(first).Want(t, 200, "").Field("refresh_token")
	moveBack(t, app, "last_used_at", 9*time.Hour)
	again := app.Refresh(first).Want(t, 200, "")
	if again.Field("refresh_token") != second {
		t.Error("other tokens than the current ones")
	}
	app.Get("/protected", kit.Bearer(again.Field("access_token"))...).Want(t, 200, "")
	app.Refresh(second).Want(t, 200, "")
}

func TestARefreshTokenUsedTwiceEndsTheSession(t *testing.T) {
	for claim, c := range map[string]struct {
		change func(*config.Settings)
		moves  int
		after  time.Duration
	}{
		"the one before, after the grace":  {func(*config.Settings) {}, 1, 11 * time.Second},
		"the one before, without a grace":  {func(s *config.Settings) { s.JWT.RefreshGrace = 0 }, 1, 0},
		"an older one, at once":            {func(*config.Settings) {}, 2, 0},
		"an older one, while it is cached": {func(s *config.Settings) { s.JWT.RevocationLag = time.Hour }, 3, 0},
	} {
		t.Run(claim, func(t *testing.T) {
			app, bearer, stolen := apptest.SignedIn(t, c.change)
			app.Get("/protected", bearer...).Want(t, 200, "")
			current := stolen
			for range c.moves {
				current = app.Refresh(current).Want(t, 200, "").Field("refresh_token")
			}
			moveBack(t, app, "last_used_at", c.after)
			answer := app.Refresh(stolen).Want(t, 401, "token_revoked")

			app.Refresh(current).Want(t, 401, "token_revoked")
			app.Get("/protected", bearer...).Want(t, 401, "token_revoked")
			var kept models.Session
			if app.DB.Take(&kept); kept.RevokedAt == nil || kept.RevokedReason != models.ByTheft {
				t.Errorf("the session is %+v", kept)
			}
			theft := fmt.Sprintf("a refresh token was used twice: session %s of user %s", kept.ID, kept.UserID)
			for line := range strings.Lines(app.Log.String()) {
				if strings.Contains(line, theft) {
					if !strings.Contains(line, "level=WARN") || !strings.Contains(line, "request_id="+answer.Field("request_id")) {
						t.Error(line)
					}
					return
				}
			}
			t.Errorf("%s is not in %s", theft, app.Log)
		})
	}
}

func TestATokenNewerThanARestoredDatabaseIsAccepted(t *testing.T) {
	app, _, token := apptest.SignedIn(t)
	for range 3 {
		token = app.Refresh(token).Want(t, 200, "").Field("refresh_token")
	}
	app.DB.Model(&models.Session{}).Where("true").Update("counter", 1)
	app.Refresh(token).Want(t, 200, "")
}

func TestLogoutsEndTheNamedSessions(t *testing.T) {
	for _, lag := range []time.Duration{0, time.Hour} {
		app := apptest.New(t, func(s *config.Settings) { s.JWT.RevocationLag = lag })
		app.Register("ada@example.com")
		app.Register("bob@example.com")
		bearers, refreshes := map[string][]string{}, map[string]string{}
		var named []string
		for name, email := range map[string]string{"desk": "ada@example.com", "phone": "ada@example.com", "bob": "bob@example.com"} {
			bearers[name], refreshes[name] = app.Session(email)
			named = append(named, "{"+name+"}", sessionOf(t, bearers[name]))
		}
		ids := strings.NewReplacer(named...)
		restore := app.Snapshot()
		for claim, c := range map[string]struct {
			method, path, body string
			status             int
			ended              string // of desk, phone and bob
		}{
			"this one":             {"POST", "/logout", "", 204, "desk"},
			"this one, by its id":  {"DELETE", "/sessions/{desk}", "", 204, "desk"},
			"another one":          {"DELETE", "/sessions/{phone}", "", 204, "phone"},
			"all others":           {"DELETE", "/sessions?scope=others", "", 204, "phone"},
			"all":                  {"DELETE", "/sessions?scope=all", "", 204, "desk phone"},
			"another user's":       {"DELETE", "/sessions/{bob}", "", 404, ""},
			"an unknown id":        {"DELETE", "/sessions/01900000-0000-7000-8000-000000000000", "", 404, ""},
			"an invalid id":        {"DELETE", "/sessions/1", "", 404, ""},
			"no scope":             {"DELETE", "/sessions", "", 422, ""},
			"another scope":        {"DELETE", "/sessions?scope=mine", "", 422, ""},
			"a change of password": {"POST", "/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, 204, "phone"},
			"a deleted account":    {"POST", "/me/delete", `{"current_password":"correct horse"}`, 204, "desk phone"},
		} {
			t.Run(fmt.Sprint(claim, " ", lag), func(t *testing.T) {
				restore()
				for _, bearer := range bearers {
					app.Get("/protected", bearer...).Want(t, 200, "") // now cached
				}
				app.Do(c.method, ids.Replace(c.path), strings.NewReader(c.body), bearers["desk"]...).Want(t, c.status, "")
				for name, bearer := range bearers {
					status, code := 200, ""
					if strings.Contains(c.ended, name) {
						status, code = 401, "token_revoked"
					}
					app.Get("/protected", bearer...).Want(t, status, code)
					app.Refresh(refreshes[name]).Want(t, status, code)
				}
			})
		}
	}
}

func TestEverySessionOfAUserIsCached(t *testing.T) {
	app, desk, _ := apptest.SignedIn(t, func(s *config.Settings) { s.JWT.RevocationLag = time.Hour })
	phone := app.Login("ada@example.com")
	for range 2 {
		app.Get("/protected", desk...).Want(t, 200, "")
		app.Get("/protected", phone...).Want(t, 200, "")
		end(app) // without the API
	}
}

func TestAnotherProcessSeesARevocationAfterTheLag(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	other := func(lag time.Duration) *apptest.App {
		return apptest.New(t, func(s *config.Settings) { *s = app.Settings; s.JWT.RevocationLag = lag })
	}
	soon, late := other(100*time.Millisecond), other(time.Hour)
	soon.Get("/protected", bearer...).Want(t, 200, "")
	late.Get("/protected", bearer...).Want(t, 200, "")
	app.Post("/logout", "", bearer...).Want(t, 204, "")
	app.Get("/protected", bearer...).Want(t, 401, "token_revoked")
	awaitRevocation(t, soon, bearer)
	late.Get("/protected", bearer...).Want(t, 200, "") // now cached
}

// awaitRevocation waits until a token is refused as revoked.
func awaitRevocation(t *testing.T, app *apptest.App, bearer []string) {
	t.Helper()
	kit.Await(t, "the token is refused", func() bool { return app.Get("/me", bearer...).Status != 200 })
	app.Get("/me", bearer...).Want(t, 401, "token_revoked")
}

func TestOnlyExpiredRowsAreDeleted(t *testing.T) {
	app, bearer, refresh := apptest.SignedIn(t)
	gone := make([]models.Session, 1000)
	for i := range gone {
		gone[i] = models.Session{UserID: app.User("ada@example.com").ID, ExpiresAt: app.DB.NowFunc()}
	}
	if err := app.DB.Create(&gone).Error; err != nil {
		t.Fatal(err)
	}
	ended := app.Login("ada@example.com")
	app.Post("/logout", "", ended...).Want(t, 204, "")
	app.RunJobs()
	kit.Await(t, "housekeeping is due", func() bool {
		return app.DB.Exec("UPDATE jobs SET run_at = created_at WHERE kind = 'housekeeping'").RowsAffected == 1
	})
	kit.Await(t, "the log says that it is done", func() bool { return strings.Contains(app.Log.String(), "expired sessions") })
	var left int64
	if app.DB.Model(&models.Session{}).Count(&left); left != 2 || !strings.Contains(app.Log.String(), `msg="expired sessions deleted" count=1000`) || strings.Contains(app.Log.String(), "expired sessions stay") {
		t.Errorf("%d are left: %s", left, app.Log)
	}
	app.Get("/protected", bearer...).Want(t, 200, "")
	app.Refresh(refresh).Want(t, 200, "")
}

func TestTheListOfSessions(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	app.Register("bob@example.com")
	app.Login("bob@example.com")
	app.Post("/login", `{"email":"ada@example.com","password":"correct horse"}`, "User-Agent", "Phone/1\xff"+strings.Repeat("x", 300)).Want(t, 200, "")
	ended := app.Login("ada@example.com")
	app.Post("/logout", "", ended...).Want(t, 204, "")
	var answer struct {
		Items []struct {
			ID         string
			CreatedAt  time.Time `json:"created_at"`
			LastUsedAt time.Time `json:"last_used_at"`
			ExpiresAt  time.Time `json:"expires_at"`
			IP         string
			UserAgent  string `json:"user_agent"`
			Current    bool
		}
		NextCursor *string `json:"next_cursor"`
	}
	body := app.Get("/sessions", bearer...).Want(t, 200, "").Body
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Items) != 2 || answer.NextCursor != nil {
		t.Fatal(err, body)
	}
	phone, here := answer.Items[0], answer.Items[1]
	if phone.Current || !strings.HasPrefix(phone.UserAgent, "Phone/1xxx") || len(phone.UserAgent) != 254 {
		t.Errorf("the newest first: %+v", phone)
	}
	if !here.Current || here.IP != "127.0.0.1" || here.UserAgent != "Go-http-client/1.1" || here.ID != sessionOf(t, bearer) ||
		here.ExpiresAt.Sub(here.LastUsedAt) != 720*time.Hour || here.CreatedAt.IsZero() {
		t.Errorf("the current: %+v", here)
	}
	for _, hidden := range []string{"user_id", "counter", "revoked"} {
		if strings.Contains(body, hidden) {
			t.Errorf("%s is in %s", hidden, body)
		}
	}
}

func TestListsArePaged(t *testing.T) {
	app := apptest.New(t)
	bearer := app.Admin("root@example.com")
	for i := range 24 {
		app.DB.Create(&models.User{Email: models.Email(fmt.Sprint(i)), Role: models.RoleUser})
	}
	type page struct {
		Items []struct{ Email string }
		Next  *string `json:"next_cursor"`
	}
	var seen []string
	read := func(query string) (got page) {
		body := app.Get("/users"+query, bearer...).Want(t, 200, "").Body
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		for _, item := range got.Items {
			seen = append(seen, item.Email)
		}
		return got
	}
	first := read("?limit=10")
	app.DB.Create(&models.User{Email: "new", Role: models.RoleUser}) // does not change the pages
	second := read("?limit=10&cursor=" + *first.Next)
	if third := read("?limit=10&cursor=" + *second.Next); len(third.Items) != 5 || third.Next != nil {
		t.Errorf("the last page is %+v", third)
	}
	if len(seen) != 25 || seen[0] != "23" || seen[23] != "0" || seen[24] != "root@example.com" {
		t.Error(seen)
	}
	if got := read(""); len(got.Items) != 20 {
		t.Errorf("%d by default", len(got.Items))
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "limit=1.5", "cursor=x", "cursor=", "limit=1&limit=2"} {
		for _, list := range []string{"/users", "/sessions"} {
			app.Get(list+"?"+query, bearer...).Want(t, 422, "validation_failed")
		}
	}
}

func TestTheSecretCanBeRotated(t *testing.T) {
	app, bearer, refresh := apptest.SignedIn(t)
	moved := func(change func(*config.Settings)) *apptest.App {
		return apptest.New(t, func(s *config.Settings) { *s = app.Settings; change(s) })
	}
	fresh := settings.NewSecret()
	after := moved(func(s *config.Settings) { s.JWT.Secret, s.JWT.PreviousSecrets = fresh, []settings.Secret{s.JWT.Secret} })
	after.Get("/protected", bearer...).Want(t, 200, "")
	pair := after.Refresh(refresh).Want(t, 200, "")
	app.Get("/protected", kit.Bearer(pair.Field("access_token"))...).Want(t, 401, "token_invalid") // signed with the new one
	app.Refresh(pair.Field("refresh_token")).Want(t, 401, "token_invalid")

	without := moved(func(s *config.Settings) { s.JWT.Secret = fresh })
	without.Get("/protected", bearer...).Want(t, 401, "token_invalid")
	without.Refresh(refresh).Want(t, 401, "token_invalid")
	without.Get("/protected", kit.Bearer(pair.Field("access_token"))...).Want(t, 200, "")
	without.Refresh(pair.Field("refresh_token")).Want(t, 200, "")
}
