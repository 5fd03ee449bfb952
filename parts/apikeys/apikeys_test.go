package apikeys_test

import (
	"fmt"
	"hash/crc32"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/apikeys"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

// newKey makes an API key of the user of a login. It returns its id and its text.
func newKey(t testing.TB, app *apptest.App, bearer []string, scope apikeys.Scope) (id, key string) {
	t.Helper()
	answer := app.Post("/keys", `{"current_password":"correct horse","name":"Nightly","scope":"`+string(scope)+`"}`, bearer...).Want(t, 201, "")
	return answer.Field("id"), answer.Field("key")
}

// lagHour caches keys for longer than any test lasts.
func lagHour(s *config.Settings) { s.JWT.RevocationLag = time.Hour }

func TestAKeyWorksUntilItIsDeleted(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t, lagHour)
	answer := app.Post("/keys", `{"current_password":"correct horse","name":"Nightly","scope":"full","expires_at":"2999-01-01T00:00:00Z"}`, bearer...).Want(t, 201, "")
	id, key := answer.Field("id"), kit.Bearer(answer.Field("key"))
	if answer.Header.Get("Cache-Control") != "no-store" || !regexp.MustCompile(`^`+apikeys.Prefix+`[0-9A-Za-z]{49}$`).MatchString(answer.Field("key")) ||
		answer.Field("expires_at") != "2999-01-01T00:00:00.000000Z" {
		t.Error(answer.Header, answer.Body)
	}
	if list := app.Get("/keys", bearer...).Want(t, 200, "").Body; !strings.Contains(list, `"id":"`+id+`"`) || strings.Contains(list, "hash") {
		t.Error(list)
	}
	works := func() {
		t.Helper()
		if user := app.Get("/protected", key...).Want(t, 200, "").Field("user_id"); user != app.User("ada@example.com").ID.String() {
			t.Error(user)
		}
		app.Do("PATCH", "/me", strings.NewReader(`{"name":"Ada"}`), key...).Want(t, 200, "")
	}
	works()
	app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, bearer...).Want(t, 204, "")
	app.Do("DELETE", "/sessions?scope=all", nil, bearer...).Want(t, 204, "")
	works()
	bearer = kit.Bearer(app.Post("/login", `{"email":"ada@example.com","password":"battery staple"}`).Field("access_token"))
	app.Do("DELETE", "/keys/"+id, nil, bearer...).Want(t, 204, "")
	app.Get("/protected", key...).Want(t, 401, "token_revoked")
	app.Do("DELETE", "/keys/"+id, nil, bearer...).Want(t, 404, "not_found")
	if list := app.Get("/keys", bearer...).Want(t, 200, "").Body; list != `{"items":[],"next_cursor":null}` {
		t.Error(list)
	}
}

// badKeys are keys that do not work, each with the code of its error.
func badKeys(t *testing.T, app *apptest.App, key string) map[string][2]string {
	t.Helper()
	const invalid = "token_invalid"
	body := strings.TrimPrefix(key, apikeys.Prefix)
	bad := map[string][2]string{
		"a letter changed":               {apikeys.Prefix + kit.Flip(body), invalid},
		"the checksum changed":           {key[:len(key)-1] + kit.Flip(key[len(key)-1:]), invalid},
		"the prefix alone":               {apikeys.Prefix, invalid},
		"no prefix":                      {body, invalid},
		"the prefix in capitals":         {strings.ToUpper(apikeys.Prefix) + body, invalid},
		"a letter missing":               {key[:len(key)-1], invalid},
		"a letter more":                  {key + "0", invalid},
		"8 KiB":                          {apikeys.Prefix + strings.Repeat("0", 8<<10), invalid},
		"an unknown one, well formed":    {wellFormed(strings.Repeat("0", 43)), "token_revoked"},
		"the hash that is stored of one": {fmt.Sprintf("%s%x", apikeys.Prefix, stored(t, app).Hash), invalid},
	}
	for claim, end := range map[string]func(email string, key *apikeys.APIKey){
		"a deleted one":      func(_ string, key *apikeys.APIKey) { app.DB.Delete(key) },
		"of a disabled user": func(email string, _ *apikeys.APIKey) { app.DB.Model(app.User(email)).Update("disabled", true) },
		"of a deleted user":  func(email string, _ *apikeys.APIKey) { app.DB.Delete(app.User(email)) },
		"an expired one":     func(_ string, key *apikeys.APIKey) { app.DB.Model(key).Update("expires_at", app.DB.NowFunc()) },
	} {
		email, code := strings.ReplaceAll(claim, " ", "-")+"@example.com", "token_revoked"
		app.Register(email)
		_, key := newKey(t, app, app.Login(email), apikeys.ScopeFull)
		row := stored(t, app)
		end(email, &row)
		if strings.Contains(claim, "expired") {
			code = "token_expired"
		}
		bad[claim] = [2]string{key, code}
	}
	return bad
}

// wellFormed is a key with these digits and their checksum.
func wellFormed(digits string) string {
	body := apikeys.Prefix + digits
	sum := big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))).Text(62)
	return body + strings.Repeat("0", 6-len(sum)) + sum
}

// stored is the newest API key.
func stored(t *testing.T, app *apptest.App) (row apikeys.APIKey) {
	t.Helper()
	if err := app.DB.Order("id DESC").Take(&row).Error; err != nil {
		t.Fatal(err)
	}
	return row
}

func TestEveryProtectedRouteRefusesEveryBadKey(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t, lagHour)
	_, key := newKey(t, app, bearer, apikeys.ScopeFull)
	good := kit.Bearer(key)
	app.Get("/protected", good...).Want(t, 200, "") // cached, which must not weaken the checks
	kit.WantRefused(t, app.App, "key", badKeys(t, app, key))
	app.Get("/protected?access_token="+key).Want(t, 401, "token_missing")
	app.Get("/protected", "X-API-Key", key).Want(t, 401, "token_missing")
	app.Get("/protected", "Authorization", "Basic "+key).Want(t, 401, "token_missing")
	request := httptest.NewRequestWithContext(t.Context(), "GET", "/protected", nil)
	request.Header["Authorization"] = []string{good[1], good[1]}
	two := httptest.NewRecorder()
	if app.Engine.ServeHTTP(two, request); two.Code != 401 || !strings.Contains(two.Body.String(), "token_invalid") {
		t.Errorf("two headers are answered %d %s", two.Code, two.Body)
	}
	app.Get("/protected", good...).Want(t, 200, "")
}

func TestACachedKeyExpires(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t, lagHour)
	var key []string
	for life := 200 * time.Millisecond; key == nil; life *= 2 { // until it lives long enough to be cached
		answer := app.Post("/keys", `{"current_password":"correct horse","name":"Nightly","scope":"full","expires_at":"`+app.DB.NowFunc().Add(life).Format(time.RFC3339Nano)+`"}`, bearer...)
		if made := kit.Bearer(answer.Field("key")); app.Get("/protected", made...).Status == 200 {
			key = made
		}
	}
	kit.Await(t, "it expires", func() bool { return app.Get("/protected", key...).Status != 200 })
	app.Get("/protected", key...).Want(t, 401, "token_expired")
}

func TestAKeyThatMayReadMakesOnlyGETAndHEADRequests(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	_, key := newKey(t, app, bearer, apikeys.ScopeRead)
	for _, route := range apptest.ProtectedRoutes() {
		if route.Streams() {
			continue
		}
		refused := app.Serve(route.Method, route.Path, "", kit.Bearer(key)...).Status == http.StatusForbidden
		if want := route.Method != "GET" || route.Access.Name != "user"; refused != want {
			t.Errorf("%s %s is refused: %t", route.Method, route.Path, refused)
		}
	}
	app.Do("HEAD", "/me", nil, kit.Bearer(key)...).Want(t, 200, "")
}

func TestAKeyIsNotALogin(t *testing.T) {
	app := apptest.New(t)
	bearer := app.Admin("root@example.com")
	_, key := newKey(t, app, bearer, apikeys.ScopeFull)
	app.WantOnlyLoginsRefused(kit.Bearer(key))
	app.Get("/protected", bearer...).Want(t, 200, "") // no session was ended
}

func TestInvalidKeysAreNotMade(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	for claim, c := range map[string]struct{ body, field string }{
		"no name":              {`{"scope":"full"}`, "name"},
		"a name that is empty": {`{"name":"","scope":"full"}`, "name"},
		"101 letters":          {`{"name":"` + strings.Repeat("x", 101) + `","scope":"full"}`, "name"},
		"no scope":             {`{"name":"x"}`, "scope"},
		"another scope":        {`{"name":"x","scope":"admin"}`, "scope"},
		"expired":              {`{"name":"x","scope":"full","expires_at":"2020-01-01T00:00:00Z"}`, "expires_at"},
		"a key of one's own":   {`{"name":"x","scope":"full","key":"lk_x"}`, "key"},
	} {
		t.Run(claim, func(t *testing.T) {
			if answer := app.Post("/keys", c.body, bearer...).Want(t, 422, "validation_failed"); !strings.Contains(answer.Body, `"field":"`+c.field+`"`) {
				t.Error(answer.Body)
			}
		})
	}
	app.Post("/keys", `{"current_password":"correct horse","name":"x","scope":"full","expires_at":null}`, bearer...).Want(t, 201, "")
}

func TestTheKeysOfOthersCannotBeDeleted(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	id, key := newKey(t, app, bearer, apikeys.ScopeFull)
	app.Register("bob@example.com")
	bob := app.Login("bob@example.com")
	app.Do("DELETE", "/keys/"+id, nil, bob...).Want(t, 404, "not_found")
	app.Do("DELETE", "/keys/1", nil, bearer...).Want(t, 404, "not_found")
	if list := app.Get("/keys", bob...).Body; strings.Contains(list, id) {
		t.Error(list)
	}
	app.Get("/protected", kit.Bearer(key)...).Want(t, 200, "")
}

func TestAUserHasAtMost50Keys(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	var answers [60]kit.Answer
	var do []func()
	for i := range answers {
		do = append(do, func() {
			answers[i] = app.Post("/keys", `{"current_password":"correct horse","name":"x","scope":"read"}`, bearer...)
		})
	}
	kit.Together(do...)
	made := 0
	for _, answer := range answers {
		if answer.Status == 201 {
			made++
		} else {
			answer.Want(t, 409, "too_many_keys")
		}
	}
	if made != 50 {
		t.Errorf("%d keys are made at once", made)
	}
	row := stored(t, app)
	app.DB.Model(&row).Update("expires_at", app.DB.NowFunc())
	newKey(t, app, bearer, apikeys.ScopeFull) // in the place of the expired one
	app.Post("/keys", `{"current_password":"correct horse","name":"x","scope":"read"}`, bearer...).Want(t, 409, "too_many_keys")
	app.Register("bob@example.com")
	newKey(t, app, app.Login("bob@example.com"), apikeys.ScopeFull)
}

// It would outlive the end of the session that made it.
func TestALoginThatHasEndedMakesNoKey(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t, lagHour)
	app.Get("/protected", bearer...).Want(t, 200, "")                                    // cached
	app.DB.Model(&models.Session{}).Where("true").Update("revoked_at", app.DB.NowFunc()) // ended without the API
	app.Post("/keys", `{"current_password":"correct horse","name":"x","scope":"full"}`, bearer...).Want(t, 401, "token_revoked")
	var keys int64
	if app.DB.Model(&apikeys.APIKey{}).Count(&keys); keys != 0 {
		t.Errorf("%d keys", keys)
	}
}

func TestAKeyIsOnlyInTheAnswerThatMakesIt(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	app.RunJobs()
	id, key := newKey(t, app, bearer, apikeys.ScopeFull)
	seen := app.Get("/me", kit.Bearer(key)...).Want(t, 200, "").Body + app.Get("/keys", bearer...).Body
	app.Get("/protected", kit.Bearer(key+"0")...).Want(t, 401, "token_invalid")
	tables, err := app.DB.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var rows []map[string]any
		app.DB.Table(table).Find(&rows)
		seen += fmt.Sprintf("%s: %s", table, rows)
	}
	app.Do("DELETE", "/keys/"+id, nil, bearer...).Want(t, 204, "")
	if seen += app.Log.String(); strings.Contains(seen, key) || strings.Contains(seen, key[len(apikeys.Prefix):]) {
		t.Errorf("%s is in %s", key, seen)
	}
}

func TestWithoutTheDatabaseOnlyAForgedKeyIsRefused(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	_, key := newKey(t, app, bearer, apikeys.ScopeFull)
	if err := database.Close(app.DB); err != nil {
		t.Fatal(err)
	}
	app.Get("/protected", kit.Bearer(key)...).Want(t, 503, "unavailable")
	app.Get("/protected", kit.Bearer(key[:10]+kit.Flip(key[10:]))...).Want(t, 401, "token_invalid")
}

func TestAnotherProcessSeesADeletedKeyAfterTheLag(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	other := func(lag time.Duration) *apptest.App {
		return apptest.New(t, func(s *config.Settings) { *s = app.Settings; s.JWT.RevocationLag = lag })
	}
	never, soon, late := other(0), other(100*time.Millisecond), other(time.Hour)
	id, text := newKey(t, app, bearer, apikeys.ScopeFull)
	key := kit.Bearer(text)
	for _, each := range []*apptest.App{never, soon, late} {
		each.Get("/protected", key...).Want(t, 200, "")
	}
	app.Do("DELETE", "/keys/"+id, nil, bearer...).Want(t, 204, "")
	never.Get("/protected", key...).Want(t, 401, "token_revoked")
	kit.Await(t, "the key is refused", func() bool { return soon.Get("/protected", key...).Status != 200 })
	soon.Get("/protected", key...).Want(t, 401, "token_revoked")
	late.Get("/protected", key...).Want(t, 200, "") // now cached
}

func TestTheUseOfAKeyIsStoredOnceAMinute(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	var texts [3]string
	ids := map[string]time.Duration{} // how long ago it was used
	for i, ago := range []time.Duration{0, 30 * time.Second, 2 * time.Minute} {
		var id string
		id, texts[i] = newKey(t, app, bearer, apikeys.ScopeRead)
		ids[id] = ago
		if ago > 0 {
			app.DB.Model(&apikeys.APIKey{}).Where("id = ?", id).Update("last_used_at", app.DB.NowFunc().Add(-ago))
		}
	}
	start, since := app.DB.NowFunc(), kit.Statements(t, app.App)
	var do []func()
	for range 20 {
		for _, text := range texts {
			do = append(do, func() { app.Get("/protected", kit.Bearer(text)...).Want(t, 200, "") })
		}
	}
	kit.Together(do...)
	written := func() int {
		return len(slices.DeleteFunc(since(), func(statement string) bool { return !strings.HasPrefix(statement, "UPDATE") }))
	}
	if count := written(); count > 0 {
		t.Errorf("requests have written %d times", count)
	}
	app.RunBeside(app.Program.ServeParts)
	used := func() (moved []time.Duration) {
		var rows []apikeys.APIKey
		app.DB.Find(&rows)
		for _, row := range rows {
			if row.LastUsedAt != nil && !row.LastUsedAt.Before(start) {
				moved = append(moved, ids[row.ID.String()])
			}
		}
		slices.Sort(moved)
		return moved
	}
	kit.Await(t, "two uses are stored", func() bool { return len(used()) >= 2 })
	if got := used(); !slices.Equal(got, []time.Duration{0, 2 * time.Minute}) {
		t.Errorf("it is stored of those that were used %v ago", got)
	}
	if count := written(); count > 2 {
		t.Errorf("%d statements store two uses", count)
	}
	_, fresh := newKey(t, app, bearer, apikeys.ScopeRead)
	since()
	for range 20 {
		app.Get("/protected", kit.Bearer(texts[0])...).Want(t, 200, "")
	}
	app.Get("/protected", kit.Bearer(fresh)...).Want(t, 200, "")
	count := 0
	kit.Await(t, "the use of the new key is stored, after all uses before", func() bool {
		count += written() // a statement is logged once it has run
		return stored(t, app).LastUsedAt != nil && count > 0
	})
	if count != 1 {
		t.Errorf("%d statements store the use of a new key, and of one that was used before", count)
	}
	if list := app.Get("/keys", bearer...).Body; strings.Contains(list, `"last_used_at":null`) {
		t.Error(list)
	}
}
