package tests

import (
	"slices"
	"testing"

	"example.com/latchkey/parts/mail"
	"example.com/latchkey/parts/totp/totptest"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
)

// withMailAndCodes is totptest.WithCodes, after its mails.
func withMailAndCodes(t *testing.T, change ...func(*config.Settings)) *totptest.Phone {
	t.Helper()
	p := totptest.WithCodes(t, change...)
	p.App.RunJobs()
	var mails []string // jobs may end in another order than they were added
	for range 2 {
		sent := p.App.NextMessage()
		mails = append(mails, sent.Text+" to "+string(sent.To))
	}
	if slices.Sort(mails); !slices.Equal(mails, []string{"totp_enabled to ada@example.com", "verify to ada@example.com"}) {
		t.Fatalf("%v are sent", mails)
	}
	return p
}

func TestTheNoticesAndEventsOfOneTimeCodes(t *testing.T) {
	p := withMailAndCodes(t)
	p.Login("").Want(t, 401, "otp_required")
	p.Login(p.Wrong()).Want(t, 401, "login_failed")
	p.Login(p.Recovery[0]).Want(t, 200, "")
	p.App.Post("/me/totp/delete", `{"current_password":"correct horse","otp":"`+p.Wrong()+`"}`, p.Bearer...).Want(t, 422, "validation_failed")
	p.App.Post("/me/totp/delete", `{"current_password":"correct horse","otp":"`+p.Code(0)+`"}`, p.Bearer...).Want(t, 204, "")
	wantMail(t, p.App, "totp_disabled")
	var kinds []string
	for _, event := range allEvents(t, p.App) {
		if kinds = append(kinds, event.Kind); *event.UserID != p.App.User("ada@example.com").ID {
			t.Errorf("%+v", event)
		}
	}
	want := []string{"registered", "login", "totp_enabled", "otp_failed", "login", "recovery_code_used", "otp_failed", "totp_disabled"}
	if !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

// Somebody who guesses codes knows the password.
func TestTheOwnerIsToldOfGuessesOfCodes(t *testing.T) {
	p := withMailAndCodes(t, func(s *config.Settings) { s.Login.MaxFailures = 2 })
	for range 2 {
		p.Login(p.Wrong()).Want(t, 401, "login_failed")
	}
	sent := p.App.NextMessage()
	if sent.Text != "totp_guessed" || sent.To != "ada@example.com" || sent.Data.(mail.Content).IP != "127.0.0.1" {
		t.Errorf("%+v", sent)
	}
	p.Login(p.Wrong()).Want(t, 429, "too_many_attempts")
	wantNoMail(t, p.App)
	if last := lastEvent(t, p.App, "login_throttled"); last.Details["of"] != "code" {
		t.Errorf("%+v", last)
	}
}

// Whoever set them up may not be the one who gets the mails.
func TestAResetEndsCodesOfAnAddressThatWasNotVerified(t *testing.T) {
	p := withMailAndCodes(t)
	reset(p.App, resetToken(t, p.App)).Want(t, 204, "")
	p.App.Post("/login", `{"email":"ada@example.com","password":"battery staple"}`).Want(t, 200, "")
	if details := lastEvent(t, p.App, "password_reset").Details; details["totp"] != true || details["sessions"] != 1.0 {
		t.Errorf("the reset says %v", details)
	}
}

func TestAResetKeepsCodesOn(t *testing.T) {
	p := withMailAndCodes(t)
	p.App.DB.Model(p.App.User("ada@example.com")).Update("email_verified", true)
	token := resetToken(t, p.App)
	p.App.Post("/password/reset", `{"token":"`+token+`","password":"battery staple"}`).Want(t, 204, "")
	for otp, code := range map[string]string{"": "otp_required", p.Wrong(): "login_failed"} {
		p.App.Post("/login", `{"email":"ada@example.com","password":"battery staple","otp":"`+otp+`"}`).Want(t, 401, code)
	}
	p.App.Post("/login", `{"email":"ada@example.com","password":"battery staple","otp":"`+p.Code(0)+`"}`).Want(t, 200, "")
}

func TestAnUnverifiedUserIsToldSoWithEveryCode(t *testing.T) {
	p := withMailAndCodes(t)
	strict := p.At(apptest.New(t, func(s *config.Settings) {
		s.Database, s.JWT = p.App.Settings.Database, p.App.Settings.JWT
		config.Of[mail.LoginSettings](*s).RequireVerifiedEmail = true
	}))
	for _, otp := range []string{"", p.Wrong(), p.Code(0), p.Recovery[0]} {
		strict.Login(otp).Want(t, 403, "email_unverified")
	}
	p.Login(p.Code(0)).Want(t, 200, "") // it was not used up
	p.Login(p.Recovery[0]).Want(t, 200, "")
}
