package tests

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/jobs"
)

// behindAProxy takes the client's address from X-Forwarded-For.
func behindAProxy(maxFailures int) func(*config.Settings) {
	return func(s *config.Settings) {
		s.Login.MaxFailures, s.Server.TrustedProxies = maxFailures, []string{"192.0.2.1"}
	}
}

func forgotFrom(app *apptest.App, email, address string) kit.Answer {
	return app.Serve("POST", "/password/forgot", `{"email":"`+email+`"}`, from(address)...)
}

// kindsOfJobs counts the jobs of each kind.
func kindsOfJobs(app *apptest.App) map[string]int {
	var kinds []string
	app.DB.Model(&jobs.Row{}).Pluck("kind", &kinds)
	counts := map[string]int{}
	for _, kind := range kinds {
		counts[kind]++
	}
	return counts
}

func TestANetworkMayAskForFewMails(t *testing.T) {
	for claim, ask := range map[string]func(app *apptest.App, i int, bearer []string, address string) (answer kit.Answer, done int){
		"for a known email": func(app *apptest.App, _ int, _ []string, at string) (kit.Answer, int) {
			return forgotFrom(app, "ada@example.com", at), 202
		},
		"for an unknown one": func(app *apptest.App, _ int, _ []string, at string) (kit.Answer, int) {
			return forgotFrom(app, "who@example.com", at), 202
		},
		"for many of them": func(app *apptest.App, i int, _ []string, at string) (kit.Answer, int) {
			return forgotFrom(app, fmt.Sprint(i, "@example.com"), at), 202
		},
		"by new accounts": func(app *apptest.App, i int, _ []string, at string) (kit.Answer, int) {
			return app.Serve("POST", "/register", apptest.Credentials(fmt.Sprint(i, "@example.com")), from(at)...), 201
		},
		"by accounts that are there": func(app *apptest.App, _ int, _ []string, at string) (kit.Answer, int) {
			return app.Serve("POST", "/register", apptest.Credentials("ada@example.com"), from(at)...), 409
		},
		"to verify an email": func(app *apptest.App, _ int, bearer []string, at string) (kit.Answer, int) {
			return app.Serve("POST", "/me/email/verification", "", append(from(at), bearer...)...), 202
		},
		"to new emails of an account": func(app *apptest.App, i int, bearer []string, at string) (kit.Answer, int) {
			return app.Serve("POST", "/me/email", `{"current_password":"correct horse","email":"`+fmt.Sprint(i, "@example.com")+`"}`, append(from(at), bearer...)...), 200
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			app := apptest.New(t, behindAProxy(2))
			app.Register("ada@example.com")
			bearer := app.Login("ada@example.com")
			for i := range 20 {
				answer, done := ask(app, i, bearer, fmt.Sprintf("2001:db8::%d", i))
				answer.Want(t, done, "")
			}
			before := failures(app)
			refused, done := ask(app, 20, bearer, "2001:db8::20")
			refused.Want(t, 429, "too_many_attempts")
			if seconds, err := strconv.Atoi(refused.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 900 {
				t.Errorf("Retry-After is %q", refused.Header.Get("Retry-After"))
			}
			forgotFrom(app, "ada@example.com", "2001:db8::1").Want(t, 429, "too_many_attempts") // the routes have one count
			if after := failures(app); !slices.Equal(after, before) {
				t.Errorf("a refusal made %v of %v", after, before)
			}
			login(app, "who@example.com", "wrong", "2001:db8::1").Want(t, 401, "login_failed") // logins have their own
			elsewhere, _ := ask(app, 21, bearer, "2001:db8:0:1::1")
			elsewhere.Want(t, done, "")
			app.DB.Exec("UPDATE login_failures SET ends_at = ?", time.Now().UTC())
			later, _ := ask(app, 22, bearer, "2001:db8::1")
			later.Want(t, done, "")
		})
	}
}

func TestAFloodOfForgottenPasswordsLeavesFewJobs(t *testing.T) {
	always := func(text string) func(int) string { return func(int) string { return text } }
	numbered := func(format string) func(int) string { return func(i int) string { return fmt.Sprintf(format, i) } }
	for claim, c := range map[string]struct {
		email, address       func(int) string
		requests, jobs, last int
	}{
		"from one address":            {numbered("%d@example.com"), always("203.0.113.1"), 200, 100, 429},
		"from one network":            {numbered("%d@example.com"), numbered("2001:db8::%x"), 200, 100, 429},
		"from many networks for one":  {always("ada@example.com"), numbered("2001:db8:0:%x::1"), 200, 1, 202},
		"from many networks for many": {numbered("%d@example.com"), numbered("2001:db8:0:%x::1"), 1100, 1000, 503},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			app := apptest.New(t, behindAProxy(10))
			app.Register("ada@example.com")
			var last kit.Answer
			for i := range c.requests {
				last = forgotFrom(app, c.email(i), c.address(i))
			}
			if jobs := kindsOfJobs(app); jobs["forgotten mail"] != c.jobs || last.Status != c.last {
				t.Errorf("%v, and the last request is answered %d", jobs, last.Status)
			}
			app.Serve("POST", "/register", apptest.Credentials("bob@example.com"), from("198.51.100.1")...).Want(t, 201, "")
			if jobs := kindsOfJobs(app); jobs["mail"] != 2 {
				t.Errorf("the mails of registrations are of %v", jobs)
			}
		})
	}
}
