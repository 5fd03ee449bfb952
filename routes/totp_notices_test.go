package routes_test

import (
	"slices"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
)

// withMailAndCodes is withCodes, after its mails.
func withMailAndCodes(t *testing.T, change ...func(*config.Settings)) *phone {
	t.Helper()
	p := withCodes(t, change...)
	p.app.RunJobs()
	var mails []string // jobs may end in another order than they were added
	for range 2 {
		mail := p.app.NextMail()
		mails = append(mails, mail.Template+" to "+string(mail.To))
	}
	if slices.Sort(mails); !slices.Equal(mails, []string{"totp_enabled to ada@example.com", "verify to ada@example.com"}) {
		t.Fatalf("%v are sent", mails)
	}
	return p
}

func TestTheNoticesAndEventsOfOneTimeCodes(t *testing.T) {
	p := withMailAndCodes(t)
	p.login("").Want(t, 401, "otp_required")
	p.login(p.wrong()).Want(t, 401, "login_failed")
	p.login(p.recovery[0]).Want(t, 200, "")
	p.app.Post("/me/totp/delete", `{"current_password":"correct horse","otp":"`+p.wrong()+`"}`, p.bearer...).Want(t, 422, "validation_failed")
	p.app.Post("/me/totp/delete", `{"current_password":"correct horse","otp":"`+p.code(0)+`"}`, p.bearer...).Want(t, 204, "")
	wantMail(t, p.app, "totp_disabled", "ada@example.com")
	var kinds []string
	for _, event := range events(t, p.app) {
		if kinds = append(kinds, event.Kind); *event.UserID != p.app.User("ada@example.com").ID {
			t.Errorf("%+v", event)
		}
	}
	want := []string{"registered", "login", "totp_enabled", "otp_failed", "login", "recovery_code_used", "otp_failed", "totp_disabled"}
	if !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

// Who guesses codes knows the password.
func TestTheOwnerIsToldOfGuessesOfCodes(t *testing.T) {
	p := withMailAndCodes(t, func(s *config.Settings) { s.Login.MaxFailures = 2 })
	for range 2 {
		p.login(p.wrong()).Want(t, 401, "login_failed")
	}
	mail := p.app.NextMail()
	if mail.Template != "totp_guessed" || mail.To != "ada@example.com" || mail.IP != "127.0.0.1" {
		t.Errorf("%+v", mail)
	}
	p.login(p.wrong()).Want(t, 429, "too_many_attempts")
	p.app.NoMail()
	if last := lastEvent(t, p.app, "login_throttled"); last.Details["of"] != "code" {
		t.Errorf("%+v", last)
	}
}

// Whoever set them up may not be the one who gets the mails.
func TestAResetEndsCodesOfAnAddressThatWasNotVerified(t *testing.T) {
	p := withMailAndCodes(t)
	reset(p.app, resetToken(t, p.app)).Want(t, 204, "")
	p.app.Post("/login", `{"email":"ada@example.com","password":"battery staple"}`).Want(t, 200, "")
	if details := lastEvent(t, p.app, "password_reset").Details; details["totp"] != true || details["sessions"] != 1.0 {
		t.Errorf("the reset says %v", details)
	}
}

func TestAResetKeepsCodesOn(t *testing.T) {
	p := withMailAndCodes(t)
	p.app.DB.Model(p.app.User("ada@example.com")).Update("email_verified", true)
	token := resetToken(t, p.app)
	p.app.Post("/password/reset", `{"token":"`+token+`","password":"battery staple"}`).Want(t, 204, "")
	for otp, code := range map[string]string{"": "otp_required", p.wrong(): "login_failed"} {
		p.app.Post("/login", `{"email":"ada@example.com","password":"battery staple","otp":"`+otp+`"}`).Want(t, 401, code)
	}
	p.app.Post("/login", `{"email":"ada@example.com","password":"battery staple","otp":"`+p.code(0)+`"}`).Want(t, 200, "")
}

func TestAnUnverifiedUserIsToldSoWithEveryCode(t *testing.T) {
	p := withMailAndCodes(t)
	strict := *p
	strict.app = apptest.New(t, func(s *config.Settings) { *s = p.app.Settings; s.Login.RequireVerifiedEmail = true })
	strict.app.DB.NowFunc = p.app.DB.NowFunc
	for _, otp := range []string{"", p.wrong(), p.code(0), p.recovery[0]} {
		strict.login(otp).Want(t, 403, "email_unverified")
	}
	p.login(p.code(0)).Want(t, 200, "") // it was not used up
	p.login(p.recovery[0]).Want(t, 200, "")
}
