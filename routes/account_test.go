package routes_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/models"
)

func TestAUserChangesTheirOwnAccount(t *testing.T) {
	app := apptest.New(t)
	const longest = "is-74-bytes-long-" // 4.3 times this is longer than bcrypt's limit
	for claim, c := range map[string]struct {
		method, path, body string
		status             int
		code, says         string
	}{
		"a name":                     {"PATCH", "/me", `{"name":"Ada"}`, 200, "", `"name":"Ada"`},
		"no name":                    {"PATCH", "/me", `{"name":null}`, 200, "", `"name":null`},
		"nothing":                    {"PATCH", "/me", `{}`, 200, "", `"email":"ada@example.com"`},
		"a name of 101 characters":   {"PATCH", "/me", `{"name":"` + strings.Repeat("ä", 101) + `"}`, 422, "validation_failed", `"name"`},
		"an email in PATCH":          {"PATCH", "/me", `{"email":"eve@example.com"}`, 422, "validation_failed", `"email"`},
		"another email":              {"POST", "/me/email", `{"email":"Eve@Example.com","current_password":"correct horse"}`, 200, "", `"email":"eve@example.com"`},
		"it is unverified":           {"POST", "/me/email", `{"email":"eve@example.com","current_password":"correct horse"}`, 200, "", `"email_verified":false`},
		"the same email":             {"POST", "/me/email", `{"email":"ada@example.com","current_password":"correct horse"}`, 200, "", "ada@example.com"},
		"another's email":            {"POST", "/me/email", `{"email":"bob@example.com","current_password":"correct horse"}`, 409, "email_taken", ""},
		"an invalid email":           {"POST", "/me/email", `{"email":"ada","current_password":"correct horse"}`, 422, "validation_failed", `"email"`},
		"an email, wrong password":   {"POST", "/me/email", `{"email":"eve@example.com","current_password":"wrong"}`, 422, "validation_failed", `{"field":"current_password","message":"is not right"}`},
		"an email, no password":      {"POST", "/me/email", `{"email":"eve@example.com"}`, 422, "validation_failed", `"current_password"`},
		"a role":                     {"POST", "/me/email", `{"role":"admin","email":"eve@example.com","current_password":"correct horse"}`, 422, "validation_failed", `"role"`},
		"another password":           {"POST", "/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, 204, "", ""},
		"a password, wrong password": {"POST", "/me/password", `{"current_password":"wrong","new_password":"battery staple"}`, 422, "validation_failed", `{"field":"current_password","message":"is not right"}`},
		"a short password":           {"POST", "/me/password", `{"current_password":"correct horse","new_password":"short"}`, 422, "validation_failed", `{"field":"new_password","message":"must have at least 8 characters"}`},
		"a long password":            {"POST", "/me/password", `{"current_password":"correct horse","new_password":"` + strings.Repeat(longest, 5) + `"}`, 422, "validation_failed", `{"field":"new_password","message":"must have at most 72 bytes"}`},
		"deletion":                   {"POST", "/me/delete", `{"current_password":"correct horse"}`, 204, "", ""},
		"deletion, wrong password":   {"POST", "/me/delete", `{"current_password":"wrong"}`, 422, "validation_failed", `"current_password"`},
		"deletion without a body":    {"POST", "/me/delete", ``, 400, "malformed_body", ""},
	} {
		t.Run(claim, func(t *testing.T) {
			bearer, _ := app.NewUser()
			app.DB.Model(app.User("ada@example.com")).Update("email_verified", true)
			app.Register("bob@example.com")
			if answer := app.Do(c.method, c.path, strings.NewReader(c.body), bearer...).Want(t, c.status, c.code); !strings.Contains(answer.Body, c.says) {
				t.Errorf("answered %s, want %s", answer.Body, c.says)
			}
			if c.status >= 400 { // nothing has changed
				app.Get("/me", app.Login("ada@example.com")...).Want(t, 200, "")
			}
		})
	}
}

func TestAUserLogsInWithTheChangedEmail(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t, func(s *config.Settings) { s.JWT.RevocationLag = time.Hour })
	app.DB.Model(app.User("ada@example.com")).Update("email_verified", true)
	app.Get("/me", bearer...).Want(t, 200, "") // now cached
	app.Do("POST", "/me/email", strings.NewReader(`{"email":"eve@example.com","current_password":"correct horse"}`), bearer...).Want(t, 200, "")
	if got := app.Get("/me", bearer...); got.Field("email") != "eve@example.com" || !strings.Contains(got.Body, `"email_verified":false`) {
		t.Errorf("the user is %s", got.Body)
	}
	app.Post("/login", `{"email":"ada@example.com","password":"correct horse"}`).Want(t, 401, "login_failed")
	app.Login("eve@example.com")
	app.Register("ada@example.com") // the old one is free
}

func TestAUserLogsInWithTheChangedPassword(t *testing.T) {
	app, bearer, refresh := apptest.SignedIn(t)
	app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, bearer...).Want(t, 204, "")
	app.Post("/login", `{"email":"ada@example.com","password":"correct horse"}`).Want(t, 401, "login_failed")
	app.Post("/login", `{"email":"ada@example.com","password":"battery staple"}`).Want(t, 200, "")
	app.Get("/protected", bearer...).Want(t, 200, "") // this session stays
	app.Refresh(refresh).Want(t, 200, "")
}

func TestADeletedAccountLeavesNoRows(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	app.Do("POST", "/me/delete", strings.NewReader(`{"current_password":"correct horse"}`), bearer...).Want(t, 204, "")
	for _, model := range []any{&models.User{}, &models.Session{}} {
		var left int64
		if app.DB.Model(model).Count(&left); left != 0 {
			t.Errorf("%d of %T", left, model)
		}
	}
	app.Register("ada@example.com") // the email is free
}

func TestOnlyAdminsManageUsers(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	for _, route := range apptest.ProtectedRoutes() {
		if route.Access.Name == "admin" {
			app.Do(route.Method, route.Path, strings.NewReader("{"), bearer...).Want(t, 403, "forbidden")
		}
	}
}

func TestAnAdminManagesUsers(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.JWT.RevocationLag = time.Hour })
	for claim, c := range map[string]struct {
		method, path, body string
		status             int
		code, says         string
		ada                int // the status of Ada's next request
	}{
		"shows one":                 {"GET", "/users/{ada}", "", 200, "", `"disabled":false`, 200},
		"shows the role":            {"GET", "/users/{ada}", "", 200, "", `"role":"user"`, 200},
		"shows what is verified":    {"GET", "/users/{ada}", "", 200, "", `"email_verified":false`, 200},
		"shows nobody":              {"GET", "/users/01900000-0000-7000-8000-000000000000", "", 404, "not_found", "", 200},
		"promotes":                  {"PATCH", "/users/{ada}", `{"role":"admin"}`, 200, "", `"role":"admin"`, 200},
		"disables":                  {"PATCH", "/users/{ada}", `{"disabled":true}`, 200, "", `"disabled":true`, 401},
		"changes nothing":           {"PATCH", "/users/{ada}", `{}`, 200, "", `"role":"user"`, 200},
		"sets an unknown role":      {"PATCH", "/users/{ada}", `{"role":"root"}`, 422, "validation_failed", `{"field":"role","message":"must be one of [user `, 200},
		"changes no other field":    {"PATCH", "/users/{ada}", `{"email":"eve@example.com"}`, 422, "validation_failed", `"email"`, 200},
		"changes nobody":            {"PATCH", "/users/01900000-0000-7000-8000-000000000000", `{}`, 404, "not_found", "", 200},
		"deletes":                   {"DELETE", "/users/{ada}", "", 204, "", "", 401},
		"deletes nobody":            {"DELETE", "/users/01900000-0000-7000-8000-000000000000", "", 404, "not_found", "", 200},
		"deletes, as the last one":  {"DELETE", "/users/{root}", "", 409, "last_admin", "", 200},
		"ends all sessions":         {"DELETE", "/users/{ada}/sessions", "", 204, "", "", 401},
		"ends sessions of nobody":   {"DELETE", "/users/01900000-0000-7000-8000-000000000000/sessions", "", 404, "not_found", "", 200},
		"demotes the last admin":    {"PATCH", "/users/{root}", `{"role":"user"}`, 409, "last_admin", "The last admin cannot be", 200},
		"disables the last admin":   {"PATCH", "/users/{root}", `{"disabled":true}`, 409, "last_admin", "", 200},
		"deletes the last admin":    {"POST", "/me/delete", `{"current_password":"correct horse"}`, 409, "last_admin", "", 200},
		"changes their own account": {"PATCH", "/users/{root}", `{"role":"admin","disabled":false}`, 200, "", "", 200},
	} {
		t.Run(claim, func(t *testing.T) {
			bearer, _ := app.NewUser()
			root := app.Admin("root@example.com")
			app.Get("/me", bearer...).Want(t, 200, "") // now cached
			app.Get("/me", root...).Want(t, 200, "")
			path := strings.NewReplacer("{ada}", app.User("ada@example.com").ID.String(), "{root}", app.User("root@example.com").ID.String()).Replace(c.path)
			if answer := app.Do(c.method, path, strings.NewReader(c.body), root...).Want(t, c.status, c.code); !strings.Contains(answer.Body, c.says) {
				t.Errorf("answered %s, want %s", answer.Body, c.says)
			}
			if got := app.Get("/me", bearer...); got.Status != c.ada || got.Status == 200 && got.Field("role") != string(app.User("ada@example.com").Role) {
				t.Errorf("ada is answered %d %s", got.Status, got.Body)
			}
			app.Get("/users", root...).Want(t, 200, "") // still an admin
		})
	}
}

func TestTheListOfUsersIsFiltered(t *testing.T) {
	app := apptest.New(t)
	root := app.Admin("root@example.com")
	for email, disabled := range map[models.Email]bool{"ada@example.com": false, "ada@example.org": true, "adam@xn--bcher-kva.example": false, "a%@example.com": true} {
		app.DB.Create(&models.User{Email: email, Role: models.RoleUser, Disabled: disabled})
	}
	since := kit.Plans(t, app.App)
	for query, c := range map[string]struct{ want, index string }{
		"email=ada":                      {"ada@example.com ada@example.org adam@xn--bcher-kva.example", "idx_users_email"},
		"email=%20ADA%40":                {"ada@example.com ada@example.org", "idx_users_email"},
		"email=ada@example.org":          {"ada@example.org", "idx_users_email"},
		"email=adam@B%C3%BCch":           {"", "idx_users_email"},
		"email=adam@B%C3%BCcher.example": {"adam@xn--bcher-kva.example", "idx_users_email"},
		"email=a%25":                     {"a%@example.com", "idx_users_email"},
		"email=":                         {"a%@example.com ada@example.com ada@example.org adam@xn--bcher-kva.example root@example.com", ""},
		"email=zoe":                      {"", ""},
		"role=admin":                     {"root@example.com", "idx_users_role"},
		"role=user&disabled=false":       {"ada@example.com adam@xn--bcher-kva.example", "idx_users_role"},
		"disabled=true":                  {"a%@example.com ada@example.org", "idx_users_disabled"},
		"disabled=true&email=ada":        {"ada@example.org", ""},
		"disabled=false&role=admin":      {"root@example.com", ""},
	} {
		var got []string
		var read struct{ Items []struct{ Email string } }
		if err := json.Unmarshal([]byte(app.Get("/users?"+query, root...).Want(t, 200, "").Body), &read); err != nil {
			t.Fatal(err)
		}
		for _, user := range read.Items {
			got = append(got, user.Email)
		}
		slices.Sort(got)
		if found := strings.Join(got, " "); found != c.want {
			t.Errorf("%s lists %s, want %s", query, found, c.want)
		}
		if plan := since("users"); !kit.OnPostgreSQL() && !strings.Contains(plan, c.index) {
			t.Errorf("%s is read by %s", query, plan)
		}
	}
	for _, query := range []string{"role=king", "role=", "disabled=maybe", "disabled=", "email=" + strings.Repeat("x", 255)} {
		app.Get("/users?"+query, root...).Want(t, 422, "validation_failed")
	}
}

func TestEnablingAUserDoesNotRestoreSessions(t *testing.T) {
	app, bearer, refresh := apptest.SignedIn(t)
	root, path := app.Admin("root@example.com"), "/users/"+app.User("ada@example.com").ID.String()
	app.Do("PATCH", path, strings.NewReader(`{"disabled":true}`), root...).Want(t, 200, "")
	app.Do("PATCH", path, strings.NewReader(`{"disabled":false}`), root...).Want(t, 200, "")
	app.Get("/me", bearer...).Want(t, 401, "token_revoked")
	app.Refresh(refresh).Want(t, 401, "token_revoked")
	app.Login("ada@example.com")
}

func TestADemotedAdminLosesAccess(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.JWT.RevocationLag = time.Hour })
	root, eve := app.Admin("root@example.com"), app.Admin("eve@example.com")
	app.Get("/users", eve...).Want(t, 200, "")
	app.Do("PATCH", "/users/"+app.User("eve@example.com").ID.String(), strings.NewReader(`{"role":"user"}`), root...).Want(t, 200, "")
	app.Get("/users", eve...).Want(t, 403, "forbidden")
	app.Get("/me", eve...).Want(t, 200, "")
}

func TestRegistrationCanBeClosed(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.Register.Open = false })
	answer := app.Post("/register", `{"email":"ada@example.com","password":"correct horse"}`).Want(t, 403, "forbidden")
	if answer.Field("detail") != "Registration is closed" {
		t.Error(answer.Body)
	}
	app.Post("/users", `{"email":"ada@example.com","password":"correct horse"}`, app.Admin("root@example.com")...).Want(t, 201, "")
	app.Login("ada@example.com")
}

// A project may give users another unique column. Here it is their name.
func TestADuplicateOfAUserNamesItsColumn(t *testing.T) {
	app := apptest.New(t)
	if err := app.DB.Exec("CREATE UNIQUE INDEX unique_users_name ON users (name)").Error; err != nil {
		t.Fatal(err)
	}
	root := app.Admin("root@example.com")
	app.Post("/register", `{"email":"eve@example.com","password":"correct horse","name":"Eve"}`).Want(t, 201, "")
	app.Register("ada@example.com")
	bearer := app.Login("ada@example.com")
	for claim, c := range map[string]struct{ method, path, body string }{
		"registers": {"POST", "/register", `{"email":"bob@example.com","password":"correct horse","name":"Eve"}`},
		"created":   {"POST", "/users", `{"email":"bob@example.com","name":"Eve"}`},
		"changed":   {"PATCH", "/users/" + app.User("ada@example.com").ID.String(), `{"name":"Eve"}`},
		"changes":   {"PATCH", "/me", `{"name":"Eve"}`},
	} {
		t.Run(claim, func(t *testing.T) {
			caller := bearer
			if strings.HasPrefix(c.path, "/users") {
				caller = root
			}
			// Not with Do, because the document has no such answer.
			answer, request := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
			request.Header = http.Header{"Content-Type": {"application/json"}, caller[0]: {caller[1]}}
			app.Engine.ServeHTTP(answer, request)
			if got := answer.Body.String(); answer.Code != 409 || !strings.Contains(got, `"errors":[{"field":"name","message":"is taken"}]`) {
				t.Errorf("answered %d %s", answer.Code, got)
			}
		})
	}
	app.Post("/register", `{"email":"eve@example.com","password":"correct horse"}`).Want(t, 409, "email_taken")
}
