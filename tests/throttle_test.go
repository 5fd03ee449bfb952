package tests

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/throttle"
)

// fastHashing is a hasher without work. It calls before with each password to compare.
func fastHashing(before func(password string)) password.Hasher {
	hash := func(password []byte, cost int) []byte { return fmt.Appendf(nil, "$2a$%02d$%053x", cost, password) }
	return password.Hasher{
		Generate: func(password []byte, cost int) ([]byte, error) { return hash(password, cost), nil },
		Compare: func(stored, password []byte) error {
			before(string(password))
			if cost, _ := bcrypt.Cost(stored); string(stored) != string(hash(password, cost)) {
				return bcrypt.ErrMismatchedHashAndPassword
			}
			return nil
		},
	}
}

// throttled is an API that allows few failures, with two users. It takes the client's
// address from X-Forwarded-For, and counts its hashes.
func throttled(t *testing.T, maxFailures int) (app *apptest.App, hashes *atomic.Int64) {
	t.Helper()
	hashes = new(atomic.Int64)
	app = newHashing(t, 8, fastHashing(func(string) { hashes.Add(1) }), func(s *config.Settings) {
		s.Login.MaxFailures, s.Server.TrustedProxies = maxFailures, []string{"192.0.2.1"}
	})
	app.Register("ada@example.com")
	app.Register("bob@example.com")
	return app, hashes
}

// from is the header of a request from an address.
func from(address string) []string {
	return []string{"Content-Type", "application/json", "X-Forwarded-For", address}
}

func login(app *apptest.App, email, password, address string) kit.Answer {
	return app.Serve("POST", "/login", `{"email":"`+email+`","password":"`+password+`"}`, from(address)...)
}

// failures are the stored counts.
func failures(app *apptest.App) (rows []throttle.Failures) {
	app.DB.Order("account, source").Find(&rows)
	return rows
}

func TestTooManyWrongPasswordsAreThrottled(t *testing.T) {
	always := func(text string) func(int) string { return func(int) string { return text } }
	numbered := func(format string) func(int) string { return func(i int) string { return fmt.Sprintf(format, i) } }
	for claim, c := range map[string]struct {
		email, address        func(int) string
		allowed               int
		adaHere, adaElsewhere int // the status of Ada's next login, with the right password
		bobHere               int
	}{
		"of an account from an address":              {always("ada@example.com"), always("203.0.113.1"), 2, 429, 200, 200},
		"of an account from an IPv6 network":         {always("ada@example.com"), numbered("2001:db8::%d"), 2, 429, 200, 200},
		"of no account from an address":              {always("who@example.com"), always("203.0.113.1"), 2, 200, 200, 200},
		"of an account from many addresses":          {always("ada@example.com"), numbered("203.0.113.%d"), 20, 429, 429, 200},
		"of an account from many IPv6 networks":      {always("ada@example.com"), numbered("2001:db8:0:%d::1"), 20, 429, 429, 200},
		"of many accounts from an address":           {numbered("%d@example.com"), always("203.0.113.1"), 20, 429, 200, 429},
		"of many accounts from an IPv6 network":      {numbered("%d@example.com"), numbered("2001:db8::%d"), 20, 429, 200, 429},
		"of an email that is written in another way": {always("ＡDA@Example.com"), always("203.0.113.1"), 2, 429, 200, 200},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			app, hashes := throttled(t, 2)
			session := app.Login("ada@example.com")
			for i := range c.allowed {
				login(app, c.email(i), "wrong", c.address(i)).Want(t, 401, "login_failed")
			}
			before, hashed := failures(app), hashes.Load()
			answer := login(app, c.email(0), "wrong", c.address(0)).Want(t, 429, "too_many_attempts")
			if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 900 {
				t.Errorf("Retry-After is %q", answer.Header.Get("Retry-After"))
			}
			if after := failures(app); !slices.Equal(after, before) || hashes.Load() != hashed {
				t.Errorf("a refusal took %d hashes, and made %v of %v", hashes.Load()-hashed, after, before)
			}
			for _, row := range before {
				if strings.Contains(row.Account, "@") {
					t.Errorf("an email is stored: %s", row.Account)
				}
			}
			if status := login(app, "ada@example.com", apptest.Password, c.address(0)).Status; status != c.adaHere {
				t.Errorf("Ada's login is answered %d, want %d", status, c.adaHere)
			}
			if status := login(app, "ada@example.com", apptest.Password, "198.51.100.1").Status; status != c.adaElsewhere {
				t.Errorf("Ada's login from elsewhere is answered %d, want %d", status, c.adaElsewhere)
			}
			if status := login(app, "bob@example.com", apptest.Password, c.address(0)).Status; status != c.bobHere {
				t.Errorf("Bob's login is answered %d, want %d", status, c.bobHere)
			}
			app.Get("/me", session...).Want(t, 200, "") // strangers do not end her session, nor what she does there
			app.Serve("POST", "/me/email", `{"email":"ada@example.com","current_password":"correct horse"}`, append(from("198.51.100.1"), session...)...).Want(t, 200, "")
		})
	}
}

func TestALoginClearsTheCountsOfItsAccountOnly(t *testing.T) {
	app, _ := throttled(t, 2)
	const here = "203.0.113.1"
	fail := func(email string) { t.Helper(); login(app, email, "wrong", here).Want(t, 401, "login_failed") }
	for i := range 18 {
		fail(fmt.Sprint(i, "@example.com"))
	}
	fail("ada@example.com")
	login(app, "ada@example.com", apptest.Password, here).Want(t, 200, "")
	fail("ada@example.com")
	login(app, "ada@example.com", apptest.Password, here).Want(t, 429, "too_many_attempts") // 20 failures from here
	login(app, "ada@example.com", "wrong", "203.0.113.2").Want(t, 401, "login_failed")
	login(app, "ada@example.com", apptest.Password, "203.0.113.2").Want(t, 200, "")
}

// A stolen session does not help to guess the password, from however many addresses.
func TestWrongCurrentPasswordsAreThrottled(t *testing.T) {
	app, _ := throttled(t, 2)
	session := app.Login("ada@example.com")
	send := func(path, body, password, address string) kit.Answer {
		return app.Serve("POST", path, `{`+body+`"current_password":"`+password+`"}`, append(from(address), session...)...)
	}
	send("/me/email", `"email":"eve@example.com",`, "wrong", "203.0.113.1").Want(t, 422, "validation_failed")
	send("/me/delete", "", "wrong", "203.0.113.2").Want(t, 422, "validation_failed")
	for path, body := range map[string]string{"/me/email": `"email":"eve@example.com",`, "/me/password": `"new_password":"battery staple",`, "/me/delete": ""} {
		send(path, body, apptest.Password, "203.0.113.3").Want(t, 429, "too_many_attempts")
	}
	app.Get("/me", session...).Want(t, 200, "")
	login(app, "ada@example.com", "wrong", "203.0.113.1").Want(t, 401, "login_failed")
	login(app, "ada@example.com", apptest.Password, "203.0.113.1").Want(t, 429, "too_many_attempts")
	session = kit.Bearer(login(app, "ada@example.com", apptest.Password, "203.0.113.3").Want(t, 200, "").Field("access_token"))
	send("/me/delete", "", apptest.Password, "203.0.113.3").Want(t, 204, "")
}

func TestAThrottledAccountIsOpenedAgain(t *testing.T) {
	for claim, open := range map[string]func(t *testing.T, app *apptest.App, ada, root []string) (password string){
		"by a new password": func(t *testing.T, app *apptest.App, ada, _ []string) string {
			app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, ada...).Want(t, 204, "")
			return "battery staple"
		},
		"by an admin": func(t *testing.T, app *apptest.App, _, root []string) string {
			app.Do("PATCH", "/users/"+app.User("ada@example.com").ID.String(), strings.NewReader(`{"disabled":false}`), root...).Want(t, 200, "")
			return apptest.Password
		},
		"at the end of the window": func(_ *testing.T, app *apptest.App, _, _ []string) string {
			app.DB.Model(&throttle.Failures{}).Where("true").Update("ends_at", app.DB.NowFunc())
			return apptest.Password
		},
		"by a clock that steps back an hour": func(_ *testing.T, app *apptest.App, _, _ []string) string {
			app.DB.Model(&throttle.Failures{}).Where("true").Update("ends_at", app.DB.NowFunc().Add(time.Hour+time.Minute))
			return apptest.Password
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			app, _ := throttled(t, 1)
			root, ada := app.Admin("root@example.com"), app.Login("ada@example.com")
			for i := range 10 {
				login(app, "ada@example.com", "wrong", fmt.Sprint("203.0.113.", i)).Want(t, 401, "login_failed")
			}
			login(app, "ada@example.com", apptest.Password, "203.0.113.10").Want(t, 429, "too_many_attempts")
			password := open(t, app, ada, root)
			login(app, "ada@example.com", "wrong", "203.0.113.10").Want(t, 401, "login_failed") // a new count
			login(app, "ada@example.com", password, "203.0.113.11").Want(t, 200, "")
		})
	}
}

// The clocks of replicas differ a little.
func TestACountOfAProcessWhoseClockIsAheadCounts(t *testing.T) {
	app, _ := throttled(t, 1)
	login(app, "ada@example.com", "wrong", "203.0.113.1").Want(t, 401, "login_failed")
	app.DB.Model(&throttle.Failures{}).Where("true").Update("ends_at", app.DB.NowFunc().Add(15*time.Minute+30*time.Second))
	login(app, "ada@example.com", apptest.Password, "203.0.113.1").Want(t, 429, "too_many_attempts")
}

// Each of 50 logins is hashed before the first one is counted. The right one is the last
// to be counted, or the first.
func TestManyGuessesAtOnceAreWorthNoMoreThanOneAfterTheOther(t *testing.T) {
	for claim, c := range map[string]struct {
		rightIsLast bool
		want        map[int]int
	}{
		"the right one is the last":  {true, map[int]int{401: 10, 429: 40}},
		"the right one is the first": {false, map[int]int{200: 1, 401: 10, 429: 39}},
	} {
		t.Run(claim, func(t *testing.T) {
			const guesses = 50
			var hashing, others sync.WaitGroup
			hashing.Add(guesses)
			others.Add(guesses - 1)
			first := make(chan struct{})
			hasher := fastHashing(func(password string) {
				hashing.Done()
				hashing.Wait()
				switch {
				case password == apptest.Password && c.rightIsLast:
					others.Wait()
				case password != apptest.Password && !c.rightIsLast:
					<-first
				}
			})
			app := newHashing(t, guesses, hasher)
			other := newHashing(t, guesses, hasher, func(s *config.Settings) { *s = app.Settings }) // like another process
			app.Register("ada@example.com")
			got := map[int]int{}
			var mu sync.Mutex
			var do []func()
			for i := range guesses {
				password := map[bool]string{true: apptest.Password, false: "wrong"}[i == 0]
				do = append(do, func() {
					status := login([]*apptest.App{app, other}[i%2], "ada@example.com", password, "").Status
					if i == 0 {
						close(first)
					} else {
						others.Done()
					}
					mu.Lock()
					defer mu.Unlock()
					got[status]++
				})
			}
			kit.Together(do...)
			for status, want := range c.want {
				if got[status] != want {
					t.Errorf("answered %v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestOnlyTheFailureThatFillsACountTellsOfIt(t *testing.T) {
	app, _ := throttled(t, 3)
	var told []accounts.Kind
	users := accounts.Accounts{DB: app.DB, Auth: app.Auth, Extension: accounts.Extension{Hooks: []accounts.Hook{func(_ *gorm.DB, event accounts.Event) error {
		told = append(told, event.Kind)
		return nil
	}}}}
	for range 5 {
		_, _ = users.Login(t.Context(), accounts.Credentials{Email: "ada@example.com", Password: "wrong"})
	}
	if want := []accounts.Kind{accounts.LoginFailed, accounts.LoginFailed, accounts.LoginFailed, accounts.LoginThrottled}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func TestAFloodOfGuessesStoresFewRows(t *testing.T) {
	app, _ := throttled(t, 1)
	const requests = 200
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := worker; i < requests; i += 4 {
				login(app, fmt.Sprint(i, "@example.com"), "wrong", "203.0.113.1")           // many emails, one address
				login(app, "ada@example.com", "wrong", fmt.Sprintf("2001:db8:%x::1", i))    // one email, many addresses
				login(app, "who@example.com", "wrong", fmt.Sprintf("198.51.%d.%d", i/2, i)) // no account
			}
		})
	}
	all.Wait()
	// Each of three full counts of 10 failures has 2 more rows of each failure, and the
	// registrations of the test have one.
	if rows := len(failures(app)); rows > 1+3*(1+2*10) {
		t.Errorf("%d rows", rows)
	}
	login(app, "bob@example.com", apptest.Password, "203.0.113.2").Want(t, 200, "")
}

func TestEndedCountsArePurged(t *testing.T) {
	app, _ := throttled(t, 10)
	for i := range 60 { // more than a batch
		login(app, fmt.Sprint(i, "@example.com"), "wrong", fmt.Sprint("203.0.113.", i))
	}
	app.DB.Model(&throttle.Failures{}).Where("true").Update("ends_at", app.DB.NowFunc())
	login(app, "ada@example.com", "wrong", "203.0.113.1").Want(t, 401, "login_failed") // a new window
	if err := app.Auth.Throttle.Purge(t.Context()); err != nil || len(failures(app)) != 3 {
		t.Errorf("%d rows are left: %v", len(failures(app)), err)
	}
}

// The database goes away after the login was admitted, and before it is counted.
func TestAGuessThatCannotBeCountedIsNotAnswered(t *testing.T) {
	for _, password := range []string{apptest.Password, "wrong"} {
		var app *apptest.App
		app = newHashing(t, 1, fastHashing(func(string) { _ = database.Close(app.DB) }))
		app.Register("ada@example.com")
		login(app, "ada@example.com", password, "").Want(t, 503, "unavailable")
	}
}

func TestAFailureOfAClientThatHangsUpCounts(t *testing.T) {
	hashing, free := make(chan struct{}), make(chan struct{})
	app := newHashing(t, 1, fastHashing(func(string) {
		close(hashing)
		<-free
	}))
	hangUp := send(t, app, wrongLogin)
	<-hashing
	hangUp()
	close(free)
	kit.Await(t, "the failure is counted", func() bool { return len(failures(app)) == 3 })
}

// Else its time would tell whether an account exists.
func TestAnUnknownEmailMakesTheSameStatements(t *testing.T) {
	app, _ := throttled(t, 10)
	since := kit.Statements(t, app.App)
	login(app, "ada@example.com", "wrong", "203.0.113.1").Want(t, 401, "login_failed")
	known := since()
	login(app, "who@example.com", "wrong", "203.0.113.1").Want(t, 401, "login_failed")
	if made := since(); !slices.Equal(made, known) || len(known) < 3 {
		t.Errorf("%q, but for an account %q", made, known)
	}
}

// 100 wrong passwords from many networks do not lock the owner out of the usual one.
func TestANetworkFromWhichAnAccountHasLoggedInIsNotRefusedForOthers(t *testing.T) {
	app, _ := throttled(t, 2)
	const home, away = "203.0.113.1", "203.0.113.2"
	login(app, "ada@example.com", apptest.Password, home).Want(t, 200, "")
	fail := func(address string, want int) {
		t.Helper()
		if answer := login(app, "ada@example.com", "wrong", address); answer.Status != want {
			t.Errorf("%d %s, want %d", answer.Status, answer.Body, want)
		}
	}
	flood := func() {
		for i := range 20 {
			fail(fmt.Sprint("198.51.100.", i), 401)
		}
		login(app, "ada@example.com", apptest.Password, away).Want(t, 429, "too_many_attempts")
	}
	flood()
	fail(home, 401) // its own count
	login(app, "ada@example.com", apptest.Password, home).Want(t, 200, "")
	app.DB.Where("source <> ''").Delete(&throttle.Failures{}, "failures > 0")
	flood()
	fail(home, 401)
	fail(home, 401)
	login(app, "ada@example.com", apptest.Password, home).Want(t, 429, "too_many_attempts")
	later := app.DB.NowFunc().Add(30*24*time.Hour - time.Minute)
	app.DB.NowFunc = func() time.Time { return later }
	app.DB.Where("true").Delete(&throttle.Failures{}, "failures > 0")
	flood()
	login(app, "ada@example.com", apptest.Password, home).Want(t, 200, "") // and so for 30 more days
	for claim, at := range map[string]time.Duration{"after 30 days": 30 * 24 * time.Hour, "when a clock that was ahead is right again": -time.Hour} {
		t.Log(claim)
		app.DB.NowFunc = func() time.Time { return later.Add(at) }
		app.DB.Where("true").Delete(&throttle.Failures{}, "failures > 0")
		flood()
		login(app, "ada@example.com", apptest.Password, home).Want(t, 429, "too_many_attempts")
	}
}

// The next 100 wrong ones do not lock the owner out again.
func TestAResetOpensTheAccountInItsNetworkForLong(t *testing.T) {
	app := apptest.New(t, behindAProxy(2))
	app.Register("ada@example.com")
	app.DB.Exec("DELETE FROM jobs")
	app.RunJobs()
	const home, away, body = "203.0.113.1", "203.0.113.2", `{"token":"%s","password":"battery staple"}`
	app.Serve("POST", "/password/reset", fmt.Sprintf(body, resetToken(t, app)), from(home)...).Want(t, 204, "")
	for i := range 20 {
		login(app, "ada@example.com", "wrong", fmt.Sprint("198.51.100.", i)).Want(t, 401, "login_failed")
	}
	login(app, "ada@example.com", "battery staple", away).Want(t, 429, "too_many_attempts")
	login(app, "ada@example.com", "battery staple", home).Want(t, 200, "")
}
