package mail_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/mail"
)

func TestARegisteredUserVerifiesTheEmail(t *testing.T) {
	app, token := withMail(t)
	bearer := app.Login("ada@example.com")
	if me := app.Get("/me", bearer...); !strings.Contains(me.Body, `"email_verified":false`) {
		t.Error(me.Body)
	}
	verify(app, token).Want(t, 204, "")
	if me := app.Get("/me", bearer...); !strings.Contains(me.Body, `"email_verified":true`) {
		t.Error(me.Body)
	}
	app.Post("/me/email/verification", "", bearer...).Want(t, 202, "")
	noMail(t, app) // it is verified
}

func TestTheLinkToVerifyIsSentOnceMore(t *testing.T) {
	app, first := withMail(t)
	app.Post("/me/email/verification", "", app.Login("ada@example.com")...).Want(t, 202, "")
	verify(app, wantMail(t, app, "verify", "ada@example.com")).Want(t, 204, "")
	verify(app, first).Want(t, 422, "validation_failed")
}

func TestAForgottenPasswordIsReset(t *testing.T) {
	app, _ := withMail(t)
	bearer, refresh := app.Session("ada@example.com")
	forgot(t, app, " ADA@example.com")
	reset(app, wantMail(t, app, "reset", "ada@example.com")).Want(t, 204, "")
	wantMail(t, app, "password_changed", "ada@example.com")
	app.Get("/me", bearer...).Want(t, 401, "token_revoked")
	app.Refresh(refresh).Want(t, 401, "token_revoked")
	app.Post("/login", `{"email":"ada@example.com","password":"correct horse"}`).Want(t, 401, "login_failed")
	app.Post("/login", `{"email":"ada@example.com","password":"battery staple"}`).Want(t, 200, "")
	if !app.User("ada@example.com").EmailVerified {
		t.Error("who got the mail has not verified the email")
	}
}

func TestTheRulesOfANewPasswordApplyToAReset(t *testing.T) {
	app, _ := withMail(t)
	token := resetToken(t, app)
	for password, says := range map[string]string{
		"short":           "must have at least 8 characters",
		"password1":       "must not be one of the most common passwords",
		"ADA@example.com": "must not be the email",
	} {
		if answer := app.Post("/password/reset", `{"token":"`+token+`","password":"`+password+`"}`).Want(t, 422, "validation_failed"); !strings.Contains(answer.Body, says) {
			t.Error(answer.Body)
		}
	}
	reset(app, token).Want(t, 204, "")
}

func TestAResetOpensAThrottledAccount(t *testing.T) {
	app, _ := withMail(t, func(s *config.Settings) { s.Login.MaxFailures = 1 })
	app.Post("/login", `{"email":"ada@example.com","password":"wrong"}`).Want(t, 401, "login_failed")
	app.Post("/login", `{"email":"ada@example.com","password":"correct horse"}`).Want(t, 429, "too_many_attempts")
	reset(app, resetToken(t, app)).Want(t, 204, "")
	app.Post("/login", `{"email":"ada@example.com","password":"battery staple"}`).Want(t, 200, "")
}

func TestAForgottenPasswordTellsNothingAboutAnAccount(t *testing.T) {
	app := apptest.New(t) // without its jobs, which come after the answer
	for _, email := range []string{"known@example.com", "disabled@example.com", "throttled@example.com"} {
		app.Register(email)
	}
	app.DB.Model(&models.User{}).Where("email = 'disabled@example.com'").Update("disabled", true)
	for range 5 {
		forgot(t, app, "throttled@example.com")
	}
	since := kit.Statements(t, app.App)
	var bodies, asked []string
	for _, email := range []string{"known@example.com", "unknown@example.com", "disabled@example.com", "throttled@example.com"} {
		bodies = append(bodies, forgot(t, app, email).Body)
		asked = append(asked, strings.Join(since(), "\n"))
	}
	if len(slices.Compact(bodies)) != 1 || len(slices.Compact(slices.Clone(asked))) != 1 || strings.Count(asked[0], "INSERT INTO jobs") != 1 {
		t.Errorf("answered %q after %q", bodies, asked)
	}
}

func TestAnAccountGetsThreeMailsOfAKindAnHour(t *testing.T) {
	app, _ := withMail(t)
	for range 3 {
		resetToken(t, app)
	}
	for range 10 {
		forgot(t, app, "ada@example.com")
	}
	noMail(t, app)
	app.Post("/me/email/verification", "", app.Login("ada@example.com")...).Want(t, 202, "")
	wantMail(t, app, "verify", "ada@example.com") // another kind
	app.Register("bob@example.com")
	wantMail(t, app, "verify", "bob@example.com")
	forgot(t, app, "bob@example.com")
	wantMail(t, app, "reset", "bob@example.com")                                // another account
	for _, at := range []time.Duration{-time.Hour, 10 * 365 * 24 * time.Hour} { // an hour later, and after a clock that was ahead is right again
		if err := app.DB.Exec("UPDATE counted_mails SET created_at = ?", time.Now().UTC().Add(at)).Error; err != nil {
			t.Fatal(err)
		}
		for range 3 {
			resetToken(t, app)
		}
		forgot(t, app, "ada@example.com")
		noMail(t, app)
	}
}

func TestNoAccountNoMail(t *testing.T) {
	app, _ := withMail(t)
	forgot(t, app, "nobody@example.com")
	noMail(t, app)
	app.DB.Model(&models.User{}).Where("email = 'ada@example.com'").Update("disabled", true)
	forgot(t, app, "ada@example.com")
	noMail(t, app)
	app.Post("/password/forgot", `{"email":"nobody"}`).Want(t, 422, "validation_failed")
	app.Post("/password/forgot", `{"email":"ada@example.com\r\nBcc: eve@example.com"}`).Want(t, 422, "validation_failed")
}

func TestNotices(t *testing.T) {
	app, _ := withMail(t)
	bearer, first := app.Session("ada@example.com")
	app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, bearer...).Want(t, 204, "")
	wantMail(t, app, "password_changed", "ada@example.com")

	app.Post("/me/email", `{"current_password":"battery staple","email":"ada@example.org"}`, bearer...).Want(t, 200, "")
	sent := map[models.Email]apptest.Message{}
	for range 2 {
		next := app.NextMessage()
		sent[next.To] = next
	}
	if notice := sent["ada@example.com"]; notice.Text != "email_changed" || contentOf(notice).Link != "" || contentOf(notice).Email != "ada@example.org" {
		t.Errorf("the old address gets %+v", notice)
	}
	if link := sent["ada@example.org"]; link.Text != "verify" {
		t.Errorf("the new address gets %+v", link)
	}
	verify(app, tokenOf(sent["ada@example.org"])).Want(t, 204, "")

	app.DB.Model(&models.Session{}).Where("true").Update("counter", 5)
	app.Refresh(first).Want(t, 401, "token_revoked")
	wantMail(t, app, "token_theft", "ada@example.org")
	app.Refresh(first).Want(t, 401, "token_revoked")
	noMail(t, app) // the session has ended already
}

func TestAnAdminInvites(t *testing.T) {
	app := apptest.New(t)
	admin := app.Admin("root@example.com")
	app.RunJobs()
	wantMail(t, app, "verify", "root@example.com")
	answer := app.Post("/users", `{"email":"bob@example.com","name":"Bob","role":"admin"}`, admin...).Want(t, 201, "")
	if !strings.HasSuffix(answer.Header.Get("Location"), "/users/"+answer.Field("id")) || answer.Field("role") != "admin" || answer.Field("name") != "Bob" {
		t.Errorf("%v %s", answer.Header, answer.Body)
	}
	token := wantMail(t, app, "invitation", "bob@example.com")
	for _, password := range []string{"", "battery staple"} {
		if status := app.Post("/login", `{"email":"bob@example.com","password":"`+password+`"}`).Status; status == 200 {
			t.Error("a user without a password logs in")
		}
	}
	reset(app, token).Want(t, 204, "")
	wantMail(t, app, "password_changed", "bob@example.com")
	app.Post("/login", `{"email":"bob@example.com","password":"battery staple"}`).Want(t, 200, "")
	if user := app.User("bob@example.com"); !user.EmailVerified || user.Role != models.RoleAdmin {
		t.Errorf("%+v", user)
	}
	reset(app, token).Want(t, 422, "validation_failed")
}

func TestAnAdminCreatesAUserWithAPassword(t *testing.T) {
	app := apptest.New(t)
	admin := app.Admin("root@example.com")
	app.RunJobs()
	wantMail(t, app, "verify", "root@example.com")
	app.Post("/users", `{"email":"bob@example.com","password":"battery staple"}`, admin...).Want(t, 201, "")
	wantMail(t, app, "verify", "bob@example.com")
	app.Post("/login", `{"email":"bob@example.com","password":"battery staple"}`).Want(t, 200, "")
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{"email":"bob@example.com"}`:                    {409, "email_taken"},
		`{"email":"eve"}`:                                {422, "validation_failed"},
		`{"email":"eve@example.com","password":"short"}`: {422, "validation_failed"},
		`{"email":"eve@example.com","role":"king"}`:      {422, "validation_failed"},
		`{"email":"eve@example.com","disabled":true}`:    {422, "validation_failed"},
		`{}`: {422, "validation_failed"},
	} {
		app.Post("/users", body, admin...).Want(t, want.status, want.code)
	}
	app.Register("ada@example.com")
	wantMail(t, app, "verify", "ada@example.com")
	app.Post("/users", `{"email":"eve@example.com"}`, app.Login("ada@example.com")...).Want(t, 403, "forbidden")
	noMail(t, app)
}

func TestALoginNeedsAVerifiedEmailIfTheSettingsSaySo(t *testing.T) {
	app, token := withMail(t, func(s *config.Settings) { config.Of[mail.LoginSettings](*s).RequireVerifiedEmail = true })
	app.Post("/login", `{"email":"ada@example.com","password":"correct horse"}`).Want(t, 403, "email_unverified")
	app.Post("/login", `{"email":"ada@example.com","password":"wrong"}`).Want(t, 401, "login_failed")
	verify(app, token).Want(t, 204, "")
	app.Post("/login", `{"email":"ada@example.com","password":"correct horse"}`).Want(t, 200, "")
}

func TestWithoutMailOnlyWhatNeedsItIsRefused(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.Environment = settings.Production })
	admin := app.Admin("root@example.com") // by POST /register
	for _, request := range [][2]string{{"/password/forgot", `{"email":"root@example.com"}`}, {"/me/email/verification", ""}, {"/users", `{"email":"bob@example.com"}`}} {
		app.Post(request[0], request[1], admin...).Want(t, 503, "unavailable")
	}
	app.Post("/users", `{"email":"bob@example.com","password":"battery staple"}`, admin...).Want(t, 201, "")
	var waiting int64
	if app.DB.Model(&jobs.Row{}).Count(&waiting); waiting > 0 {
		t.Errorf("%d jobs wait", waiting)
	}
}

func TestAMailIsTriedAgain(t *testing.T) {
	for claim, c := range map[string]struct {
		failure error
		state   string
	}{
		"after an error that passes":                       {errors.New("421 try again later"), jobs.Waiting},
		"but not after the server has refused it for good": {jobs.Permanent(errors.New("550 no such mailbox")), jobs.Failed},
	} {
		t.Run(claim, func(t *testing.T) {
			app := apptest.New(t)
			app.Register("ada@example.com")
			failures, sent := make(chan error, 1), make(chan string, 10)
			failures <- c.failure
			stop := work(t, app, func(_ context.Context, _ models.Email, text string, _ any) error {
				select {
				case err := <-failures:
					return err
				default:
					sent <- text
					return nil
				}
			})
			var job jobs.Row
			kit.Await(t, "it has failed", func() bool {
				return len(sent) > 0 || app.DB.Take(&job, "kind = 'mail' AND error <> ''").Error == nil
			})
			if len(sent) == 0 && job.State(app.DB.NowFunc()) != c.state {
				t.Errorf("%+v", job)
			}
			if c.state == jobs.Waiting {
				if text := kit.Receive(t, "it is sent", sent); text != "verify" {
					t.Error(text)
				}
			}
			stop()
			var rows int64
			if app.DB.Table("counted_mails").Count(&rows); rows != 1 || len(sent) > 0 {
				t.Errorf("it counts as %d, %s", rows, fmt.Sprint(len(sent)))
			}
		})
	}
}

func TestAMailAndItsChangeAreOneTransaction(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	app.Post("/register", `{"email":"ada@example.com","password":"correct horse"}`).Want(t, 409, "email_taken")
	bearer := app.Login("ada@example.com")
	app.Register("bob@example.com")
	app.Post("/me/email", `{"current_password":"correct horse","email":"bob@example.com"}`, bearer...).Want(t, 409, "email_taken")
	var waiting int64
	if app.DB.Model(&jobs.Row{}).Count(&waiting); waiting != 2 {
		t.Errorf("%d mails wait, want those of two registrations", waiting)
	}
	if err := app.DB.Exec("ALTER TABLE jobs RENAME TO away").Error; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.DB.Exec("ALTER TABLE away RENAME TO jobs") })
	app.Post("/register", `{"email":"eve@example.com","password":"correct horse"}`).Want(t, 500, "internal")
	var users int64
	if app.DB.Model(&models.User{}).Count(&users); users != 2 {
		t.Errorf("%d users", users)
	}
}
