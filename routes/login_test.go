package routes_test

import (
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/models"
)

const form = "application/x-www-form-urlencoded"

func TestRegisterLoginAndCallAProtectedRoute(t *testing.T) {
	app := apptest.New(t)
	user := app.Post("/register", `{"email":" Ada@Example.COM ","password":"correct horse"}`).Want(t, 201, "")
	if user.Field("email") != "ada@example.com" || user.Field("role") != "user" || strings.Contains(user.Body, "hash") {
		t.Errorf("registered as %s", user.Body)
	}
	login := app.Post("/login", `{"email":"ADA@example.com","password":"correct horse"}`).Want(t, 200, "")
	if login.Field("token_type") != "Bearer" || !strings.Contains(login.Body, `"expires_in":900`) || login.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("logged in as %s", login.Body)
	}
	bearer := kit.Bearer(login.Field("access_token"))
	if got := app.Get("/protected", bearer...).Want(t, 200, "").Field("user_id"); got != user.Field("id") {
		t.Errorf("user_id %s, want %s", got, user.Field("id"))
	}
	if got := app.Get("/me", bearer...).Want(t, 200, ""); got.Body != user.Body {
		t.Errorf("me is %s, want %s", got.Body, user.Body)
	}
}

func TestLogin(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	app.Register("out@example.com")
	app.DB.Model(&models.User{}).Where("email = ?", "out@example.com").Update("disabled", true)
	for claim, c := range map[string]struct {
		media, body  string
		status       int
		code, detail string
	}{
		"a form logs in too":                     {form, "username=ada%40example.com&password=correct+horse", 200, "", ""},
		"FastAPI's whole form logs in":           {form, "grant_type=password&username=ada@example.com&password=correct+horse&scope=&client_id=x&client_secret=y", 200, "", ""},
		"a look-alike email is the same account": {"application/json", `{"email":"ＡＤＡ@example.com","password":"correct horse"}`, 200, "", ""},
		"a charset of UTF-8 is fine":             {"application/json; charset=UTF-8", `{"email":"ada@example.com","password":"correct horse"}`, 200, "", ""},
		"a wrong password is refused":            {"application/json", `{"email":"ada@example.com","password":"wrong"}`, 401, "login_failed", "Incorrect username or password"},
		"an unknown email is refused the same":   {"application/json", `{"email":"who@example.com","password":"wrong"}`, 401, "login_failed", "Incorrect username or password"},
		"an invalid email is refused the same":   {form, "username=who&password=wrong", 401, "login_failed", "Incorrect username or password"},
		"a disabled account is 403":              {"application/json", `{"email":"out@example.com","password":"correct horse"}`, 403, "forbidden", "Account disabled"},
		"a disabled account, wrong password":     {"application/json", `{"email":"out@example.com","password":"wrong"}`, 401, "login_failed", "Incorrect username or password"},
	} {
		t.Run(claim, func(t *testing.T) {
			answer := app.Post("/login", c.body, "Content-Type", c.media).Want(t, c.status, c.code)
			if answer.Field("detail") != c.detail {
				t.Errorf("detail %q, want %q", answer.Field("detail"), c.detail)
			}
			if challenge := answer.Header.Get("WWW-Authenticate"); c.status == 401 && challenge != `Bearer realm="latchkey"` {
				t.Errorf("challenge %s", challenge)
			}
		})
	}
}

func TestRegister(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	for claim, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"a taken email is refused":            {`{"email":"ada@example.com","password":"correct horse"}`, 409, "email_taken"},
		"a look-alike of it is refused":       {`{"email":"Ａda@EXAMPLE.com","password":"correct horse"}`, 409, "email_taken"},
		"a password of 72 bytes is valid":     {`{"email":"b@example.com","password":"` + strings.Repeat("é", 36) + `"}`, 201, ""},
		"a password of 73 bytes is too long":  {`{"email":"c@example.com","password":"` + strings.Repeat("é", 36) + `x"}`, 422, "validation_failed"},
		"7 characters are too short":          {`{"email":"c@example.com","password":"ééééééé"}`, 422, "validation_failed"},
		"an email needs a domain":             {`{"email":"ada","password":"correct horse"}`, 422, "validation_failed"},
		"an email of 255 characters too long": {`{"email":"` + strings.Repeat("a", 243) + `@example.com","password":"correct horse"}`, 422, "validation_failed"},
		"an email with NUL is refused":        {`{"email":"a\u0000@example.com","password":"correct horse"}`, 422, "validation_failed"},
		"a role cannot be chosen":             {`{"email":"c@example.com","password":"correct horse","role":"admin"}`, 422, "validation_failed"},
	} {
		t.Run(claim, func(t *testing.T) { app.Post("/register", c.body).Want(t, c.status, c.code) })
	}
	both := app.Post("/register", `{"email":"ada","password":"short"}`).Want(t, 422, "validation_failed").Body
	if !strings.Contains(both, `{"field":"email","message":"must be a valid email address"},{"field":"password","message":"must have at least 8 characters"}`) {
		t.Errorf("not all faults are told at once: %s", both)
	}
}

func TestAPasswordIsEqualInBothUnicodeForms(t *testing.T) {
	app := apptest.New(t)
	app.Post("/register", `{"email":"a@example.com","password":"caf\u00e9 noir"}`).Want(t, 201, "")
	app.Post("/login", `{"email":"a@example.com","password":"cafe\u0301 noir"}`).Want(t, 200, "")
}

func TestOneOfManyConcurrentRegistrationsSucceeds(t *testing.T) {
	app := apptest.New(t)
	var statuses [8]int
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() {
			statuses[i] = app.Post("/register", `{"email":"ada@example.com","password":"correct horse"}`).Status
		})
	}
	all.Wait()
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	if count[201] != 1 || count[409] != len(statuses)-1 {
		t.Errorf("statuses %v", count)
	}
}

func TestALoginRehashesWithTheConfiguredCost(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	old, err := bcrypt.GenerateFromPassword([]byte(apptest.Password), 5)
	if err != nil {
		t.Fatal(err)
	}
	app.DB.Model(&models.User{}).Where("email = ?", "ada@example.com").Update("password_hash", string(old))
	for range 2 {
		app.Login("ada@example.com")
		var user models.User
		app.DB.Take(&user, "email = ?", "ada@example.com")
		if cost, _ := bcrypt.Cost([]byte(user.PasswordHash)); cost != 4 {
			t.Errorf("cost %d after login, want 4", cost)
		}
	}
}
