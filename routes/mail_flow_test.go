package routes_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/accounts"
	"example.com/latchkey/apptest"
	"example.com/latchkey/auth"
	"example.com/latchkey/config"
	"example.com/latchkey/jobs"
	"example.com/latchkey/models"
)

// behindAProxy takes the client's address from X-Forwarded-For.
func behindAProxy(maxFailures int) func(*config.Settings) {
	return func(s *config.Settings) {
		s.Login.MaxFailures, s.Server.TrustedProxies = maxFailures, []string{"192.0.2.1"}
	}
}

func forgotFrom(app *apptest.App, email, address string) apptest.Answer {
	return app.Serve("POST", "/password/forgot", `{"email":"`+email+`"}`, from(address)...)
}

// kindsOfJobs counts the jobs of each kind.
func kindsOfJobs(app *apptest.App) map[string]int {
	var kinds []string
	app.DB.Model(&models.Job{}).Pluck("kind", &kinds)
	counts := map[string]int{}
	for _, kind := range kinds {
		counts[kind]++
	}
	return counts
}

func TestANetworkMayAskForFewMails(t *testing.T) {
	for claim, ask := range map[string]func(app *apptest.App, i int, bearer []string, address string) (answer apptest.Answer, done int){
		"for a known email": func(app *apptest.App, _ int, _ []string, at string) (apptest.Answer, int) {
			return forgotFrom(app, "ada@example.com", at), 202
		},
		"for an unknown one": func(app *apptest.App, _ int, _ []string, at string) (apptest.Answer, int) {
			return forgotFrom(app, "who@example.com", at), 202
		},
		"for many of them": func(app *apptest.App, i int, _ []string, at string) (apptest.Answer, int) {
			return forgotFrom(app, fmt.Sprint(i, "@example.com"), at), 202
		},
		"by new accounts": func(app *apptest.App, i int, _ []string, at string) (apptest.Answer, int) {
			return app.Serve("POST", "/register", credentialsOf(fmt.Sprint(i, "@example.com")), from(at)...), 201
		},
		"by accounts that are there": func(app *apptest.App, _ int, _ []string, at string) (apptest.Answer, int) {
			return app.Serve("POST", "/register", credentialsOf("ada@example.com"), from(at)...), 409
		},
		"to verify an email": func(app *apptest.App, _ int, bearer []string, at string) (apptest.Answer, int) {
			return app.Serve("POST", "/me/email/verification", "", append(from(at), bearer...)...), 202
		},
		"to new emails of an account": func(app *apptest.App, i int, bearer []string, at string) (apptest.Answer, int) {
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
			var last apptest.Answer
			for i := range c.requests {
				last = forgotFrom(app, c.email(i), c.address(i))
			}
			if jobs := kindsOfJobs(app); jobs["forgotten mail"] != c.jobs || last.Status != c.last {
				t.Errorf("%v, and the last request is answered %d", jobs, last.Status)
			}
			app.Serve("POST", "/register", credentialsOf("bob@example.com"), from("198.51.100.1")...).Want(t, 201, "")
			if jobs := kindsOfJobs(app); jobs["mail"] != 2 {
				t.Errorf("the mails of registrations are of %v", jobs)
			}
		})
	}
}

func TestNobodysMailWaitsBehindAStrangers(t *testing.T) {
	app := apptest.New(t)
	for i := range 20 {
		app.Register(fmt.Sprint(i, "@example.com"))
		forgot(t, app, fmt.Sprint(i, "@example.com"))
	}
	app.Register("ada@example.com")
	app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, app.Login("ada@example.com")...).Want(t, 204, "")
	stopped, sent := make(chan struct{}), make(chan string, 100)
	mails := accounts.Mails{DB: app.DB, Links: auth.NewLinks(app.Settings.JWT), Send: func(_ context.Context, to models.Email, template string, _ accounts.MailContent) error {
		if template == "reset" {
			<-stopped // a mail server that takes long
		}
		sent <- template + " to " + string(to)
		return nil
	}}
	apptest.StartWorker(t, app.DB, slog.New(slog.DiscardHandler), time.Hour, jobs.Handle(mails.DeliverForgotten), jobs.Handle(mails.Deliver), jobs.Handle(mails.DeliverNotice))
	t.Cleanup(func() { close(stopped) })
	waiting := map[string]bool{"verify to ada@example.com": true, "password_changed to ada@example.com": true}
	for len(waiting) > 0 {
		delete(waiting, apptest.Receive(t, "the mails of others are sent", sent))
	}
}

func TestOneMailOfAKindWaitsForAnAddress(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	bearer := app.Login("ada@example.com")
	for range 5 {
		forgot(t, app, "ada@example.com")
		app.Post("/me/email/verification", "", bearer...).Want(t, 202, "")
	}
	forgot(t, app, "bob@example.com")
	if jobs := kindsOfJobs(app); jobs["mail"] != 1 || jobs["forgotten mail"] != 2 {
		t.Errorf("%v wait", jobs)
	}
	app.RunJobs()
	app.NextMail()
	app.NextMail()
	verify(app, wantNext(t, app, bearer)).Want(t, 204, "")
}

// wantNext asks for the link to verify once more, and returns its token.
func wantNext(t *testing.T, app *apptest.App, bearer []string) (token string) {
	t.Helper()
	app.NoMail()
	app.Post("/me/email/verification", "", bearer...).Want(t, 202, "")
	return wantMail(t, app, "verify", "ada@example.com")
}

func credentialsOf(email string) string {
	return `{"email":"` + email + `","password":"correct horse"}`
}

// A thief who has the password cannot keep the owner from learning it, however late
// mails are sent.
func TestNoticesGoToTheAddressOfTheMoment(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	bearer := app.Login("ada@example.com")
	app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, bearer...).Want(t, 204, "")
	app.Post("/me/email", `{"current_password":"battery staple","email":"eve@example.com"}`, bearer...).Want(t, 200, "")
	app.Post("/me/delete", `{"current_password":"battery staple"}`, bearer...).Want(t, 204, "")
	app.RunJobs()
	var got []string
	for range 3 {
		mail := app.NextMail()
		got = append(got, fmt.Sprint(mail.Template, " to ", mail.To, " about ", mail.Email, mail.Link))
	}
	slices.Sort(got)
	if want := []string{
		"email_changed to ada@example.com about eve@example.com",
		"password_changed to ada@example.com about ada@example.com", "user_deleted to eve@example.com about eve@example.com",
	}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	app.NoMail() // no link for an account that is gone
}

func TestADeletionByAnAdminIsToldUnlessTheAccountIsDisabled(t *testing.T) {
	app := apptest.New(t)
	root := app.Admin("root@example.com")
	for _, email := range []string{"ada@example.com", "eve@example.com"} {
		app.Register(email)
	}
	app.Do("PATCH", "/users/"+app.User("eve@example.com").ID.String(), strings.NewReader(`{"disabled":true}`), root...).Want(t, 200, "")
	for _, email := range []string{"ada@example.com", "eve@example.com"} {
		app.Do("DELETE", "/users/"+app.User(email).ID.String(), nil, root...).Want(t, 204, "")
	}
	app.RunJobs()
	var got []string
	for range 2 {
		mail := app.NextMail()
		got = append(got, mail.Template+" to "+string(mail.To))
	}
	if slices.Sort(got); !slices.Equal(got, []string{"user_deleted to ada@example.com", "verify to root@example.com"}) {
		t.Errorf("%q", got)
	}
	app.NoMail()
}

func TestMailsCountForAnAddressWhoseAccountIsGone(t *testing.T) {
	app := apptest.New(t)
	app.RunJobs()
	for i := range 20 {
		app.Register("ada@example.com")
		if i < 3 {
			wantMail(t, app, "verify", "ada@example.com")
		}
		app.NoMail()
		app.Post("/me/delete", `{"current_password":"correct horse"}`, app.Login("ada@example.com")...).Want(t, 204, "")
		if i < 3 {
			wantMail(t, app, "user_deleted", "ada@example.com")
		}
		app.NoMail()
	}
	var counted []models.CountedMail
	app.DB.Find(&counted)
	if len(counted) != 6 || strings.Contains(fmt.Sprint(counted), "@") {
		t.Errorf("%v are counted", counted)
	}
	app.DB.Exec("UPDATE counted_mails SET created_at = ?", time.Now().UTC().Add(-time.Hour))
	app.Register("bob@example.com")
	wantMail(t, app, "verify", "bob@example.com")
	if app.DB.Find(&counted); len(counted) != 1 {
		t.Errorf("after an hour, %v are counted", counted)
	}
}

func TestAUsedLinkGivesItsMailBack(t *testing.T) {
	app, _ := withMail(t)
	for range 2 {
		resetToken(t, app)
	}
	for range 3 {
		reset(app, resetToken(t, app)).Want(t, 204, "")
		wantMail(t, app, "password_changed", "ada@example.com")
	}
	reset(app, resetToken(t, app)).Want(t, 204, "")
	app.NoMail() // three notices of a kind are enough
	resetToken(t, app)
	forgot(t, app, "ada@example.com")
	app.NoMail()
}

// The version before this wrote all mails as jobs of one kind.
func TestTheMailsOfTheVersionBeforeAreSent(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	id := app.User("ada@example.com").ID
	app.DB.Exec("DELETE FROM jobs")
	for _, args := range []string{
		`"template":"verify","user_id":"` + id.String() + `","email":""`,
		`"template":"reset","user_id":"00000000-0000-0000-0000-000000000000","email":"ada@example.com"`,
		`"template":"email_changed","user_id":"` + id.String() + `","email":"old@example.com"`,
		`"template":"password_changed","user_id":"` + id.String() + `","email":""`,
	} {
		job := models.Job{Kind: "mail", Args: `{"id":"` + uuid.Must(uuid.NewV7()).String() + `",` + args + `}`, RunAt: new(time.Time)}
		if err := app.DB.Create(&job).Error; err != nil {
			t.Fatal(err)
		}
	}
	app.RunJobs()
	got := map[string]apptest.SentMail{}
	for range 4 {
		mail := app.NextMail()
		got[mail.Template+" to "+string(mail.To)] = mail
	}
	for _, notice := range []string{"email_changed to old@example.com", "password_changed to ada@example.com"} {
		if mail, sent := got[notice]; !sent || mail.Email != "ada@example.com" {
			t.Errorf("no %s in %v", notice, got)
		}
	}
	verify(app, got["verify to ada@example.com"].Token()).Want(t, 204, "")
	reset(app, got["reset to ada@example.com"].Token()).Want(t, 204, "")
}
