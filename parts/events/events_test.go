package events_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/models"
	"example.com/latchkey/parts"
	"example.com/latchkey/parts/events"
	"example.com/latchkey/routes"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

// stored returns all events, the oldest first.
func stored(t *testing.T, app *apptest.App) (all []events.Event) {
	t.Helper()
	if err := app.DB.Order("id").Find(&all).Error; err != nil {
		t.Fatal(err)
	}
	return all
}

// told is what an event says, with the emails of users that exist or existed.
func told(event events.Event, names map[uuid.UUID]string) string {
	name := func(id *uuid.UUID) string {
		if id == nil {
			return "nobody"
		}
		return names[*id]
	}
	details, _ := json.Marshal(event.Details)
	return fmt.Sprintf("%s of %s by %s %s", event.Kind, name(event.UserID), name(event.ActorID), details)
}

// sid is the session of an access token.
func sid(t *testing.T, bearer []string) string {
	t.Helper()
	_, claims := kit.DecodeToken(t, strings.TrimPrefix(bearer[1], "Bearer "))
	return claims["sid"].(string)
}

func TestEveryChangeWritesItsEventAndNoSecret(t *testing.T) {
	app := apptest.New(t)
	root := app.Admin("root@example.com")
	app.Register("ada@example.com")
	secrets, names := []string{"correct horse", "battery staple", "wrong", "who@example.com", "Ada Lovelace"}, map[uuid.UUID]string{}
	begin := func(email string) (bearer []string, refresh string) {
		bearer, refresh = app.Session(email)
		secrets = append(secrets, bearer[1][len("Bearer "):], refresh)
		return bearer, refresh
	}
	desk, first := begin("ada@example.com")
	phone, _ := begin("ada@example.com")
	ada := "/users/" + app.User("ada@example.com").ID.String()
	app.Refresh(first).Want(t, 200, "")
	app.Refresh(app.Refresh(first).Want(t, 200, "").Field("refresh_token")).Want(t, 200, "")
	for _, step := range []struct {
		claim, method, path, body string
		as                        []string
		status                    int
		want, session             string // session: of the event, or any
	}{
		{"a registration", "POST", "/register", `{"email":"bob@example.com","password":"correct horse"}`, nil, 201, `registered of bob by nobody {"role":"user"}`, ""},
		{"a wrong password", "POST", "/login", `{"email":"ada@example.com","password":"wrong"}`, nil, 401, `login_failed of ada by nobody {}`, ""},
		{"an unknown email", "POST", "/login", `{"email":"who@example.com","password":"wrong"}`, nil, 401, `login_failed of nobody by nobody {}`, ""},
		{"a wrong current password", "POST", "/me/delete", `{"current_password":"wrong"}`, desk, 422, `login_failed of ada by ada {}`, sid(t, desk)},
		{"a name", "PATCH", "/me", `{"name":"Ada Lovelace"}`, desk, 200, `user_changed of ada by ada {"name":{"from":false,"to":true}}`, sid(t, desk)},
		{"the same name", "PATCH", "/me", `{"name":"Ada Lovelace"}`, desk, 200, ``, ""},
		{"a role", "PATCH", ada, `{"role":"admin","name":null}`, root, 200, `user_changed of ada by root {"name":{"from":true,"to":false},"role":{"from":"user","to":"admin"}}`, sid(t, root)},
		{"the same role", "PATCH", ada, `{"role":"admin"}`, root, 200, ``, ""},
		{"an end of a session", "DELETE", "/sessions/" + sid(t, phone), ``, desk, 204, `session_ended of ada by ada {}`, sid(t, phone)},
		{"the same end", "DELETE", "/sessions/" + sid(t, phone), ``, desk, 404, ``, ""},
		{"an end of no sessions", "DELETE", "/sessions?scope=others", ``, desk, 204, ``, ""},
		{"a password", "POST", "/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, desk, 204, `password_changed of ada by ada {}`, sid(t, desk)},
		{"an email", "POST", "/me/email", `{"current_password":"battery staple","email":"eve@example.com"}`, desk, 200, `email_changed of ada by ada {"email":{"from":"ada@example.com","to":"eve@example.com"}}`, sid(t, desk)},
		{"a taken email", "POST", "/me/email", `{"current_password":"battery staple","email":"bob@example.com"}`, desk, 409, ``, ""},
		{"a theft", "POST", "/refresh", `{"refresh_token":"` + first + `"}`, nil, 401, `token_theft of ada by nobody {}`, sid(t, desk)},
		{"the same theft", "POST", "/refresh", `{"refresh_token":"` + first + `"}`, nil, 401, ``, ""},
		{"a login", "POST", "/login", `{"email":"eve@example.com","password":"battery staple"}`, nil, 200, `login of ada by nobody {}`, "any"},
		{"an admin's end of all sessions", "DELETE", ada + "/sessions", ``, root, 204, `session_ended of ada by root {"sessions":1}`, sid(t, root)},
		{"a disabled user", "PATCH", ada, `{"disabled":true}`, root, 200, `user_changed of ada by root {"disabled":{"from":false,"to":true}}`, sid(t, root)},
		{"a login of a disabled user", "POST", "/login", `{"email":"eve@example.com","password":"battery staple"}`, nil, 403, ``, ""},
		{"a user by an admin", "POST", "/users", `{"email":"kim@example.com","password":"battery staple","role":"admin"}`, root, 201, `user_created of kim by root {"role":"admin"}`, sid(t, root)},
		{"a deletion by an admin", "DELETE", ada, ``, root, 204, `user_deleted of ada by root {"email":"eve@example.com"}`, sid(t, root)},
		{"a logout", "POST", "/logout", ``, root, 204, `logout of root by root {}`, sid(t, root)},
	} {
		var users []models.User
		app.DB.Find(&users)
		before := len(stored(t, app))
		answer := app.Do(step.method, step.path, strings.NewReader(step.body), append(step.as, "User-Agent", "Firefox")...).Want(t, step.status, "")
		for _, user := range append(users, latest(app)) {
			secrets = append(secrets, user.PasswordHash)
			if names[user.ID] == "" {
				names[user.ID], _, _ = strings.Cut(string(user.Email), "@")
			}
		}
		var got string
		for _, event := range stored(t, app)[before:] {
			got += told(event, names)
			if event.IP != "127.0.0.1" || event.UserAgent != "Firefox" || event.RequestID != answer.Header.Get("X-Request-Id") {
				t.Errorf("%s came from %q %q in %q", step.claim, event.IP, event.UserAgent, event.RequestID)
			}
			if session := ""; step.session != "any" {
				if event.SessionID != nil {
					session = event.SessionID.String()
				}
				if session != step.session {
					t.Errorf("%s has the session %q, want %q", step.claim, session, step.session)
				}
			}
		}
		if got != step.want {
			t.Errorf("%s is told as %q, want %q", step.claim, got, step.want)
		}
	}
	var rows []map[string]any
	app.DB.Table("events").Find(&rows)
	all := fmt.Sprint(rows)
	for _, secret := range secrets {
		if strings.Contains(all, secret) {
			t.Errorf("%s is in %s", secret, all)
		}
	}
}

// latest is the newest user.
func latest(app *apptest.App) (user models.User) {
	app.DB.Order("id DESC").Limit(1).Find(&user)
	return user
}

func TestAChangeAndItsEventAreOneTransaction(t *testing.T) {
	app, bearer, refresh := apptest.SignedIn(t)
	root := app.Admin("root@example.com")
	target := "/users/" + app.User("ada@example.com").ID.String()
	state := func() string {
		var users []models.User
		var sessions []models.Session
		app.DB.Order("id").Find(&users)
		app.DB.Order("id").Find(&sessions)
		return fmt.Sprint(users, sessions)
	}
	app.DB.Model(&models.Session{}).Where("user_id = ?", app.User("ada@example.com").ID).Update("counter", 5) // so that refresh is stolen
	before := state()
	if err := app.DB.Exec("ALTER TABLE events RENAME TO away").Error; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.DB.Exec("ALTER TABLE away RENAME TO events") })
	for _, r := range []struct {
		method, path, body string
		as                 []string
	}{
		{"POST", "/register", `{"email":"bob@example.com","password":"correct horse"}`, nil},
		{"POST", "/login", `{"email":"ada@example.com","password":"correct horse"}`, nil},
		{"POST", "/login", `{"email":"ada@example.com","password":"wrong"}`, nil}, // every guess has an event
		{"POST", "/refresh", `{"refresh_token":"` + refresh + `"}`, nil},
		{"POST", "/logout", ``, bearer},
		{"PATCH", "/me", `{"name":"Ada"}`, bearer},
		{"POST", "/me/email", `{"current_password":"correct horse","email":"eve@example.com"}`, bearer},
		{"POST", "/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, bearer},
		{"POST", "/me/delete", `{"current_password":"correct horse"}`, bearer},
		{"PATCH", target, `{"role":"admin"}`, root},
		{"DELETE", target, ``, root},
		{"DELETE", target + "/sessions", ``, root},
	} {
		app.Do(r.method, r.path, strings.NewReader(r.body), r.as...).Want(t, 500, "internal")
		if after := state(); after != before {
			t.Errorf("%s %s has changed\n%s to\n%s", r.method, r.path, before, after)
		}
	}
}

func TestOfManyLogoutsOneIsTold(t *testing.T) {
	app := apptest.New(t)
	other := apptest.New(t, func(s *config.Settings) { *s = app.Settings })
	app.Register("ada@example.com")
	for range 15 {
		bearer := app.Login("ada@example.com")
		before := len(stored(t, app))
		var do []func()
		for i := range 6 {
			do = append(do, func() { []*apptest.App{app, other}[i%2].Post("/logout", "", bearer...) })
		}
		kit.Together(do...)
		if told := stored(t, app)[before:]; len(told) != 1 || told[0].Kind != "logout" {
			t.Fatalf("%+v", told)
		}
	}
}

func TestTheListsOfEvents(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	root := app.Admin("root@example.com")
	user := app.User("ada@example.com").ID.String()
	app.Do("PATCH", "/users/"+user, strings.NewReader(`{"name":"Ada"}`), root...).Want(t, 200, "")
	app.Post("/login", `{"email":"who@example.com","password":"wrong"}`).Want(t, 401, "")
	type page struct {
		Items []events.Event
		Next  *string `json:"next_cursor"`
	}
	read := func(path string, as []string) (got page) {
		t.Helper()
		if err := json.Unmarshal([]byte(app.Get(path, as...).Want(t, 200, "").Body), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for path, want := range map[string]string{
		"/events":                                     "login_failed user_changed login registered login registered",
		"/events?kind=login":                          "login login",
		"/events?user_id=" + user:                     "user_changed login registered",
		"/events?kind=login&user_id=" + user:          "login",
		"/events?user_id=" + uuid.Nil.String():        "",
		"/events?kind=token_theft":                    "",
		"/me/events":                                  "login registered",
		"/me/events?user_id=" + user + "&kind=logout": "login registered", // it has no filters
	} {
		var kinds []string
		for _, event := range read(path, root).Items {
			kinds = append(kinds, event.Kind)
		}
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("%s lists %s, want %s", path, got, want)
		}
	}
	for _, query := range []string{"kind=logins", "kind=", "user_id=1", "user_id=", "limit=0", "cursor=x"} {
		field, _, _ := strings.Cut(query, "=")
		if answer := app.Get("/events?"+query, root...).Want(t, 422, "validation_failed"); !strings.Contains(answer.Body, `"errors":[{"field":"`+field+`",`) {
			t.Errorf("%s is answered %s", query, answer.Body)
		}
	}
	first := read("/me/events?limit=1", bearer)
	second := read("/me/events?limit=2&cursor="+*first.Next, bearer)
	changed, login := first.Items[0], second.Items[0]
	if len(second.Items) != 2 || second.Next != nil {
		t.Errorf("the last page is %+v", second)
	}
	if changed.Kind != "user_changed" || changed.ActorID == nil || changed.IP != "" || changed.UserAgent != "" || changed.SessionID != nil || changed.RequestID == "" {
		t.Errorf("ada sees of an admin: %+v", changed)
	}
	if login.Kind != "login" || login.IP != "127.0.0.1" || login.UserAgent == "" || login.SessionID.String() != sid(t, bearer) {
		t.Errorf("ada sees of a login: %+v", login)
	}
}

func TestTheDocumentListsTheKindsOfAllParts(t *testing.T) {
	rain := app.Part{Name: "weather", Kinds: []accounts.Kind{"it_rained"}}
	program := app.New(app.App{Settings: apptest.Settings(), Parts: append(parts.All(), rain)})
	text, err := routes.Document(program)
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(accounts.Kinds)
	for _, part := range program.Parts {
		want = append(want, part.Kinds...)
	}
	listed := document.Paths.Value("/events").Get.Parameters.GetByInAndName("query", "kind").Schema.Value.Enum
	if fmt.Sprint(listed) != fmt.Sprint(want) || !slices.Contains(listed, any("it_rained")) {
		t.Errorf("it lists %v, want %v", listed, want)
	}
}

func TestOnlyKindsOfPartsThatAreThereAreListed(t *testing.T) {
	app := apptest.New(t)
	root, kinds := app.Admin("root@example.com"), app.Program.Kinds()
	for _, kind := range kinds {
		app.Get("/events?kind="+string(kind), root...).Want(t, 200, "")
	}
	answer := app.Get("/events?kind=it_rained", root...).Want(t, 422, "validation_failed")
	if want := fmt.Sprintf(`{"field":"kind","message":"must be one of %v"}`, kinds); !strings.Contains(answer.Body, want) {
		t.Errorf("%s, want %s", answer.Body, want)
	}
}

func TestEventsOutliveTheirUser(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	app.Post("/me/delete", `{"current_password":"correct horse"}`, bearer...).Want(t, 204, "")
	all := stored(t, app)
	deleted := all[len(all)-1]
	if len(all) != 3 || deleted.Kind != "user_deleted" || slices.ContainsFunc(all, func(e events.Event) bool { return *e.UserID != *deleted.UserID }) {
		t.Errorf("%+v", all)
	}
}

func TestOldEventsAreDeleted(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { config.Of[events.Settings](*s).Keep = 48 * time.Hour })
	var rows []events.Event
	for i := range 121 {
		age := 48*time.Hour + time.Minute
		if i == 0 {
			age -= 2 * time.Minute
		}
		row := events.Event{Kind: "login", Details: map[string]any{}}
		row.CreatedAt = app.DB.NowFunc().Add(-age)
		row.ID, _ = uuid.NewV7AtTime(row.CreatedAt)
		rows = append(rows, row)
	}
	if err := app.DB.Create(&rows).Error; err != nil {
		t.Fatal(err)
	}
	app.Register("ada@example.com")
	most := int64(0)
	_ = app.DB.Callback().Delete().After("gorm:delete").Register("count", func(tx *gorm.DB) {
		if tx.Statement.Table == "events" {
			most = max(most, tx.RowsAffected)
		}
	})
	app.RunJobs()
	kit.Await(t, "the job is due", func() bool {
		return app.DB.Exec("UPDATE jobs SET run_at = created_at WHERE kind = 'purge events'").RowsAffected == 1
	})
	kit.Await(t, "the log says that it is done", func() bool { return strings.Contains(app.Log.String(), `msg="old events deleted" count=120`) })
	if left := stored(t, app); len(left) != 2 || most > 50 {
		t.Errorf("at most %d were deleted at once, and left are %+v", most, left)
	}
}

func TestTheListsOfEventsUseIndexes(t *testing.T) {
	kit.SkipOnPostgreSQL(t) // it reads a small table without an index
	app, bearer, _ := apptest.SignedIn(t)
	root := app.Admin("root@example.com")
	since := kit.Plans(t, app.App)
	for path, want := range map[string]string{
		"/events":            "sqlite_autoindex_events_1",
		"/events?kind=login": "idx_events_kind",
		"/me/events":         "idx_events_user",
		"/events?user_id=" + app.User("ada@example.com").ID.String():            "idx_events_user",
		"/events?kind=login&user_id=" + app.User("ada@example.com").ID.String(): "idx_events_",
	} {
		app.Get(path, map[bool][]string{true: root, false: bearer}[strings.HasPrefix(path, "/events")]...).Want(t, 200, "")
		if plan := since("events"); !strings.Contains(plan, want) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s is read by %q", path, plan)
		}
	}
}
