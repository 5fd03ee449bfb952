package routes_test

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"example.com/latchkey/apptest"
	"example.com/latchkey/config"
	"example.com/latchkey/models"
)

const form = "application/x-www-form-urlencoded"

func TestTheMainJob(t *testing.T) {
	app := apptest.New(t)
	user := app.Post("/register", `{"email":" Ada@Example.COM ","password":"correct horse"}`).Want(t, 201, "")
	if user.Field("email") != "ada@example.com" || user.Field("role") != "user" || strings.Contains(user.Body, "hash") {
		t.Errorf("registered as %s", user.Body)
	}
	login := app.Post("/login", `{"email":"ADA@example.com","password":"correct horse"}`).Want(t, 200, "")
	if login.Field("token_type") != "Bearer" || !strings.Contains(login.Body, `"expires_in":900`) || login.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("logged in as %s", login.Body)
	}
	bearer := apptest.Bearer(login.Field("access_token"))
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
		"a form logs in as JSON does":             {form, "username=ada%40example.com&password=correct+horse", 200, "", ""},
		"FastAPI's whole form logs in":            {form, "grant_type=password&username=ada@example.com&password=correct+horse&scope=&client_id=x&client_secret=y", 200, "", ""},
		"a look-alike email is the same account":  {"application/json", `{"email":"ＡＤＡ@example.com","password":"correct horse"}`, 200, "", ""},
		"a charset of UTF-8 is fine":              {"application/json; charset=UTF-8", `{"email":"ada@example.com","password":"correct horse"}`, 200, "", ""},
		"a wrong password is refused":             {"application/json", `{"email":"ada@example.com","password":"wrong"}`, 401, "login_failed", "Incorrect username or password"},
		"an unknown email is refused alike":       {"application/json", `{"email":"who@example.com","password":"wrong"}`, 401, "login_failed", "Incorrect username or password"},
		"what is no email is refused alike":       {form, "username=who&password=wrong", 401, "login_failed", "Incorrect username or password"},
		"a disabled account is told so":           {"application/json", `{"email":"out@example.com","password":"correct horse"}`, 403, "forbidden", "Account disabled"},
		"to the wrong password it is not told so": {"application/json", `{"email":"out@example.com","password":"wrong"}`, 401, "login_failed", "Incorrect username or password"},
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
		"a look-alike of it too":              {`{"email":"Ａda@EXAMPLE.com","password":"correct horse"}`, 409, "email_taken"},
		"72 bytes of password are taken":      {`{"email":"b@example.com","password":"` + strings.Repeat("é", 36) + `"}`, 201, ""},
		"73 bytes are not, in fewer letters":  {`{"email":"c@example.com","password":"` + strings.Repeat("é", 36) + `x"}`, 422, "validation_failed"},
		"7 characters are too short":          {`{"email":"c@example.com","password":"ééééééé"}`, 422, "validation_failed"},
		"an email needs a domain":             {`{"email":"ada","password":"correct horse"}`, 422, "validation_failed"},
		"an email of 255 characters too long": {`{"email":"` + strings.Repeat("a", 243) + `@example.com","password":"correct horse"}`, 422, "validation_failed"},
		"NUL is in no email":                  {`{"email":"a\u0000@example.com","password":"correct horse"}`, 422, "validation_failed"},
		"a role cannot be chosen":             {`{"email":"c@example.com","password":"correct horse","role":"admin"}`, 422, "validation_failed"},
	} {
		t.Run(claim, func(t *testing.T) { app.Post("/register", c.body).Want(t, c.status, c.code) })
	}
}

func TestThePasswordIsTheSameInBothUnicodeForms(t *testing.T) {
	app := apptest.New(t)
	app.Post("/register", `{"email":"a@example.com","password":"caf\u00e9 noir"}`).Want(t, 201, "")
	app.Post("/login", `{"email":"a@example.com","password":"cafe\u0301 noir"}`).Want(t, 200, "")
}

func TestOneOfManyRegistrationsAtOnceWins(t *testing.T) {
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

func TestAHashOfAnotherCostIsRenewedAtLogin(t *testing.T) {
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

const slowCost = 11

// slow is an API whose hashes take long enough for others to wait, two at a
// time on any machine.
func slow(t *testing.T, maxWait time.Duration) *apptest.App {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	return apptest.New(t, func(s *config.Settings) { s.Password.BcryptCost, s.Password.MaxWait = slowCost, maxWait })
}

const stranger = `{"email":"who@example.com","password":"wrong"}`

func TestAnUnknownEmailCostsOneRealHash(t *testing.T) {
	app := slow(t, time.Minute)
	start := time.Now()
	_, _ = bcrypt.GenerateFromPassword([]byte("x"), slowCost)
	hash := time.Since(start)
	start = time.Now()
	app.Post("/login", stranger).Want(t, 401, "login_failed")
	if took := time.Since(start); took < hash/2 {
		t.Errorf("took %v, a hash %v", took, hash)
	}
}

func TestALoginThatWouldWaitTooLongIsTurnedAway(t *testing.T) {
	app := slow(t, 10*time.Millisecond)
	var all sync.WaitGroup
	var statuses [8]int
	for i := range statuses {
		all.Go(func() {
			answer := app.Post("/login", stranger)
			if statuses[i] = answer.Status; answer.Status == 503 && (answer.Want(t, 503, "overloaded").Header.Get("Retry-After") != "1") {
				t.Errorf("Retry-After %q", answer.Header.Get("Retry-After"))
			}
		})
	}
	all.Wait()
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	if count[401] == 0 || count[503] == 0 || count[401]+count[503] != len(statuses) {
		t.Errorf("statuses %v, want some 401, some 503 and no other", count)
	}
}

func TestWhoWouldWaitInVainIsToldAtOnceAndForHowLong(t *testing.T) {
	const patience = time.Second
	app := slow(t, patience)
	app.Post("/login", stranger).Want(t, 401, "login_failed") // now it knows how long a hash takes
	var all sync.WaitGroup
	var answers [100]apptest.Answer
	var took [100]time.Duration
	begun := time.Now()
	for i := range answers {
		all.Go(func() { answers[i], took[i] = app.Post("/login", stranger), time.Since(begun) })
	}
	all.Wait()
	atOnce, late, back := 0, 0, 0
	for i, answer := range answers {
		if answer.Status == 401 {
			continue
		}
		if late++; took[i] < patience/2 {
			atOnce, late = atOnce+1, late-1
		}
		seconds, err := strconv.Atoi(answer.Want(t, 503, "overloaded").Header.Get("Retry-After"))
		if back = max(back, seconds); err != nil || seconds < 1 || seconds > 5 || took[i] > 2*patience {
			t.Errorf("told after %v to wait for %d s, %v", took[i], seconds, err)
		}
	}
	if atOnce < len(answers)/2 || late > len(answers)/4 { // a busy machine may take longer than it said
		t.Errorf("of %d logins %d were refused at once and %d late", len(answers), atOnce, late)
	}
	time.Sleep(time.Until(begun.Add(time.Duration(back) * time.Second)))
	app.Post("/login", stranger).Want(t, 401, "login_failed")
}

func TestAClientThatHangsUpLeavesTheQueue(t *testing.T) {
	app := slow(t, time.Minute)
	start := time.Now()
	app.Post("/login", stranger).Want(t, 401, "login_failed")
	alone := time.Since(start)
	ctx, hangUp := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer hangUp()
	var all sync.WaitGroup
	for range 60 {
		all.Go(func() {
			request, _ := http.NewRequestWithContext(ctx, http.MethodPost, app.URL+"/login", strings.NewReader(stranger))
			request.Header.Set("Content-Type", "application/json")
			if response, err := http.DefaultClient.Do(request); err == nil {
				_ = response.Body.Close()
			}
		})
	}
	all.Wait()
	start = time.Now()
	app.Post("/login", stranger).Want(t, 401, "login_failed")
	if took := time.Since(start); took > 15*alone { // of the 30 that they would take
		t.Errorf("took %v behind 60 who had gone, %v alone", took, alone)
	}
	if !strings.Contains(app.Log.String(), "status=499") {
		t.Error("the log does not say that they had gone")
	}
}
