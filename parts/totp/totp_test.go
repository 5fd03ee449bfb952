package totp_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/totp/totptest"
)

func TestMain(m *testing.M) { os.Exit(apptest.Main(m)) }

func sessionsOf(app *apptest.App) (count int64) {
	app.DB.Model(&models.Session{}).Count(&count)
	return count
}

func TestALoginNeedsACode(t *testing.T) {
	p := totptest.SetUp(t)
	p.Login("").Want(t, 200, "") // before a code is confirmed
	p.App.Post("/me/totp/confirm", `{"otp":"`+p.Wrong()+`"}`, p.Bearer...).Want(t, 422, "validation_failed")
	p.Login("").Want(t, 200, "")
	p.Confirm(t)
	before := sessionsOf(p.App)
	for claim, body := range map[string]string{"no otp": "", "an empty otp": `,"otp":""`} {
		answer := p.App.Post("/login", `{"email":"ada@example.com","password":"correct horse"`+body+`}`)
		if answer.Want(t, 401, "otp_required"); answer.Header.Get("WWW-Authenticate") != `Bearer realm="latchkey"` || answer.Field("detail") != "One-time code required" {
			t.Errorf("%s: %v %s", claim, answer.Header, answer.Body)
		}
	}
	p.Login(p.Wrong()).Want(t, 401, "login_failed")
	p.App.Post("/login", `{"email":"ada@example.com","password":"wrong","otp":"`+p.Code(0)+`"}`).Want(t, 401, "login_failed")
	if after := sessionsOf(p.App); after != before {
		t.Errorf("%d sessions, want %d", after, before)
	}
	token := p.Login(p.Code(0)).Want(t, 200, "").Field("access_token")
	p.App.Get("/me", kit.Bearer(token)...).Want(t, 200, "")
	form := url.Values{"username": {"ada@example.com"}, "password": {apptest.Password}, "otp": {p.Code(1)[:3] + " " + p.Code(1)[3:]}}
	p.App.Post("/login", form.Encode(), "Content-Type", "application/x-www-form-urlencoded").Want(t, 200, "")
}

func TestACodeWorksInTheStepsNextToItsOwn(t *testing.T) {
	p := totptest.WithCodes(t)
	start := p.App.DB.NowFunc()
	for _, into := range []time.Duration{0, 15 * time.Second, 29 * time.Second} {
		p.App.DB.NowFunc = func() time.Time { return start.Add(into) }
		for off, want := range map[time.Duration]int{-60 * time.Second: 401, -25 * time.Second: 200, 0: 200, 25 * time.Second: 200, 60 * time.Second: 401} {
			p.App.DB.Table("totp_secrets").Where("true").Update("last_step", 0)
			code := p.Secret.At(start.Add(into+off).Unix() / 30)
			if answer := p.Login(code); answer.Status != want {
				t.Errorf("%v into a step, with a clock that is %v off: %d %s", into, off, answer.Status, answer.Body)
			}
		}
	}
}

func TestACodeIsTakenOnce(t *testing.T) {
	p := totptest.WithCodes(t)
	p.Login(p.Code(-1)).Want(t, 401, "login_failed") // which confirmed the secret
	p.Login(p.Code(1)).Want(t, 200, "")
	p.Login(p.Code(1)).Want(t, 401, "login_failed")
	p.Login(p.Code(0)).Want(t, 401, "login_failed") // an earlier one
}

// oneOf50 logs in at two processes with the same code, and wants one login.
func oneOf50(t *testing.T, p *totptest.Phone, code string) {
	t.Helper()
	other := p.At(apptest.New(t, func(s *config.Settings) { *s = p.App.Settings }))
	before := sessionsOf(p.App)
	var right atomic.Int64
	var do []func()
	for i := range 50 {
		do = append(do, func() {
			if []*totptest.Phone{p, other}[i%2].Login(code).Status == http.StatusOK {
				right.Add(1)
			}
		})
	}
	kit.Together(do...)
	if made := sessionsOf(p.App) - before; right.Load() != 1 || made != 1 {
		t.Errorf("%d of 50 logins are right, and begin %d sessions", right.Load(), made)
	}
}

func TestOneOfManyLoginsTakesACode(t *testing.T) {
	p := totptest.WithCodes(t)
	oneOf50(t, p, p.Code(0))
}

func TestOneOfManyLoginsTakesARecoveryCode(t *testing.T) {
	p := totptest.WithCodes(t)
	oneOf50(t, p, p.Recovery[0])
}

func TestEachOfTenRecoveryCodesWorksOnce(t *testing.T) {
	p := totptest.WithCodes(t)
	form := regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`)
	if slices.Sort(p.Recovery); len(slices.Compact(p.Recovery)) != 10 {
		t.Error(p.Recovery)
	}
	for i, code := range p.Recovery {
		if !form.MatchString(code) {
			t.Error(code)
		}
		p.Login([]string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", ""), " " + code + " "}[i%4]).Want(t, 200, "")
		p.Login(code).Want(t, 401, "login_failed")
	}
	p.Login(p.Code(0)).Want(t, 200, "")
}

func TestCodesAreSetUpOnce(t *testing.T) {
	p := totptest.SetUp(t)
	p.App.Post("/me/totp", `{"current_password":"wrong"}`, p.Bearer...).Want(t, 422, "validation_failed")
	first := p.Code(-1)
	if answer := p.SetUp(t); answer.Field("url") != p.Secret.URL("latchkey", "ada@example.com") {
		t.Error(answer.Body)
	}
	p.App.Post("/me/totp/confirm", `{"otp":"`+first+`"}`, p.Bearer...).Want(t, 422, "validation_failed") // of a secret that was replaced
	p.Confirm(t)
	p.App.Post("/me/totp", `{"current_password":"correct horse"}`, p.Bearer...).Want(t, 409, "already_exists")
	p.App.Post("/me/totp/confirm", `{"otp":"`+p.Code(0)+`"}`, p.Bearer...).Want(t, 409, "already_exists")
	p.Login(p.Code(0)).Want(t, 200, "")
	p.App.Register("bob@example.com")
	bob := p.App.Login("bob@example.com")
	for path, body := range map[string]string{"/me/totp/confirm": "", "/me/totp/delete": `"current_password":"correct horse",`} {
		p.App.Post(path, `{`+body+`"otp":"`+p.Code(1)+`"}`, bob...).Want(t, 422, "validation_failed")
	}
}

func TestCodesAreTurnedOffWithBothPasswordAndCode(t *testing.T) {
	for claim, code := range map[string]func(*totptest.Phone) string{
		"a one-time code": func(p *totptest.Phone) string { return p.Code(0) },
		"a recovery code": func(p *totptest.Phone) string { return p.Recovery[3] },
	} {
		t.Run(claim, func(t *testing.T) {
			p := totptest.WithCodes(t)
			for _, wrong := range []struct{ password, otp, field string }{
				{"wrong", code(p), "current_password"},
				{apptest.Password, p.Wrong(), "otp"},
				{apptest.Password, p.Code(-1), "otp"},
				{apptest.Password, "", "otp"},
			} {
				answer := p.App.Post("/me/totp/delete", `{"current_password":"`+wrong.password+`","otp":"`+wrong.otp+`"}`, p.Bearer...)
				if answer.Want(t, 422, "validation_failed"); !strings.Contains(answer.Body, `"field":"`+wrong.field+`"`) {
					t.Error(answer.Body)
				}
			}
			p.Login("").Want(t, 401, "otp_required")
			p.App.Post("/me/totp/delete", `{"current_password":"correct horse","otp":"`+code(p)+`"}`, p.Bearer...).Want(t, 204, "")
			p.Login("").Want(t, 200, "")
			p.Login(p.Wrong()).Want(t, 200, "") // a code is ignored
			old := p.Recovery
			p.SetUp(t)
			p.Confirm(t)
			p.Login(old[0]).Want(t, 401, "login_failed")
		})
	}
}

// The rows of a stolen database do not help, and the log and other answers have nothing.
func TestASecretAndItsCodesAreNowhereInTheDatabase(t *testing.T) {
	p := totptest.WithCodes(t)
	p.Login(p.Code(0)).Want(t, 200, "")
	p.Login(p.Recovery[0]).Want(t, 200, "")
	p.Login(p.Wrong()).Want(t, 401, "login_failed")
	tables, err := p.App.DB.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	seen := p.App.Log.String()
	for _, table := range tables {
		var rows []map[string]any
		p.App.DB.Table(table).Find(&rows)
		seen += fmt.Sprintf("%s: %s %x", table, rows, rows)
	}
	for _, secret := range []string{p.Secret.Text(), string(p.Secret), hex.EncodeToString(p.Secret), p.Recovery[1], strings.ReplaceAll(p.Recovery[1], "-", ""), p.Recovery[0]} {
		if strings.Contains(strings.ToLower(seen), strings.ToLower(secret)) {
			t.Errorf("%q is in %s", secret, seen)
		}
	}
}

// Eve, who can write to the database, knows her own codes.
func TestARowOfAnotherUserDoesNotWork(t *testing.T) {
	p := totptest.WithCodes(t)
	p.App.Register("eve@example.com")
	eve := *p
	eve.Bearer = p.App.Login("eve@example.com")
	eve.SetUp(t)
	const copied = "UPDATE totp_secrets SET secret = (SELECT secret FROM totp_secrets WHERE user_id = ?) WHERE user_id = ?"
	if done := p.App.DB.Exec(copied, p.App.User("eve@example.com").ID, p.App.User("ada@example.com").ID); done.Error != nil || done.RowsAffected != 1 {
		t.Fatal(done.Error, done.RowsAffected)
	}
	p.Login(eve.Code(0)).Want(t, 500, "internal")
}

func TestSecretsOutliveAChangeOfTheJWTSecret(t *testing.T) {
	p := totptest.WithCodes(t)
	with := func(change func(*config.JWT)) *totptest.Phone {
		return p.At(apptest.New(t, func(s *config.Settings) { *s = p.App.Settings; change(&s.JWT) }))
	}
	current, signing := settings.NewSecret(), apptest.Signing(t, token.EdDSA)
	both := with(func(s *config.JWT) { s.Secret, s.PreviousSecrets = current, []settings.Secret{s.Secret} })
	forgotten := with(func(s *config.JWT) { s.Secret = current })
	asymmetric := with(func(s *config.JWT) {
		signed := config.Settings{JWT: *s}
		signing(&signed)
		*s = signed.JWT
	})

	asymmetric.Login(p.Code(0)).Want(t, 200, "")
	forgotten.Login(p.Code(1)).Want(t, 500, "internal")
	if log := forgotten.App.Log.String(); !strings.Contains(log, "put the former jwt.secret into jwt.previous_secrets") {
		t.Error(log)
	}
	forgotten.Login(p.Recovery[0]).Want(t, 200, "")
	both.Login(p.Code(1)).Want(t, 200, "")

	both.App.RunJobs()
	kit.Await(t, "the job is due", func() bool {
		return both.App.DB.Exec("UPDATE jobs SET run_at = created_at WHERE kind = 'encrypt one-time codes'").RowsAffected == 1
	})
	p.App.DB.Table("totp_secrets").Where("true").Update("last_step", 0)
	kit.Await(t, "the secret is encrypted with the current key", func() bool { return forgotten.Login(p.Code(1)).Status == 200 })
}

func TestADeletedUserLeavesNoCodes(t *testing.T) {
	p := totptest.WithCodes(t)
	p.App.Post("/me/delete", `{"current_password":"correct horse","otp":"`+p.Code(0)+`"}`, p.Bearer...).Want(t, 204, "")
	var secrets, recovery int64 = -1, -1
	p.App.DB.Table("totp_secrets").Count(&secrets)
	p.App.DB.Table("recovery_codes").Count(&recovery)
	if secrets+recovery != 0 {
		t.Errorf("%d secrets and %d recovery codes are left", secrets, recovery)
	}
	p.App.Register("ada@example.com")
	p.Login("").Want(t, 200, "")
}

func TestADisabledUserIsToldSoWithEveryCode(t *testing.T) {
	p := totptest.WithCodes(t)
	p.App.DB.Model(&models.User{}).Where("true").Update("disabled", true)
	for _, otp := range []string{"", p.Wrong(), p.Code(0)} {
		p.Login(otp).Want(t, 403, "forbidden")
	}
	p.App.DB.Model(&models.User{}).Where("true").Update("disabled", false)
	p.Login(p.Code(0)).Want(t, 200, "") // it was not used up
}

func TestANewPasswordKeepsCodesOn(t *testing.T) {
	p := totptest.WithCodes(t)
	p.App.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple","otp":"`+p.Code(0)+`"}`, p.Bearer...).Want(t, 204, "")
	p.App.Post("/login", `{"email":"ada@example.com","password":"battery staple"}`).Want(t, 401, "otp_required")
}

// Else a thief of a session could turn on codes that the user does not have.
func TestALoginThatHasEndedTurnsNoCodesOn(t *testing.T) {
	p := totptest.SetUp(t, func(s *config.Settings) { s.JWT.RevocationLag = time.Hour })
	p.App.Get("/protected", p.Bearer...).Want(t, 200, "")                                    // cached
	p.App.DB.Model(&models.Session{}).Where("true").Update("revoked_at", p.App.DB.NowFunc()) // without the API
	p.App.Post("/me/totp/confirm", `{"otp":"`+p.Code(0)+`"}`, p.Bearer...).Want(t, 401, "token_revoked")
	p.Login("").Want(t, 200, "")
}

func TestTheServiceHasANameInTheApp(t *testing.T) {
	for issuer, want := range map[string]string{"latchkey": "latchkey", "https://api.example.com:8443/v1": "api.example.com", "urn:acme": "urn acme", "Ada & Co": "Ada & Co"} {
		p := totptest.SetUp(t, func(s *config.Settings) { s.JWT.Issuer = issuer })
		if got, want := p.SetUp(t).Field("url"), p.Secret.URL(want, "ada@example.com"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestWrongCodesAreThrottled(t *testing.T) {
	atLogin := func(p *totptest.Phone, otp string) kit.Answer { return p.Login(otp) }
	for claim, c := range map[string]struct {
		begin func(*testing.T, ...func(*config.Settings)) *totptest.Phone
		send  func(p *totptest.Phone, otp string) kit.Answer
		wrong int
	}{
		"at a login": {totptest.WithCodes, atLogin, 401},
		"as a recovery code": {totptest.WithCodes, func(p *totptest.Phone, otp string) kit.Answer {
			if otp == p.Wrong() {
				otp = "aaaa-aaaa-aaaa-aaaa"
			}
			return p.Login(otp)
		}, 401},
		"to turn codes on": {totptest.SetUp, func(p *totptest.Phone, otp string) kit.Answer {
			return p.App.Post("/me/totp/confirm", `{"otp":"`+otp+`"}`, p.Bearer...)
		}, 422},
		"to turn codes off": {totptest.WithCodes, func(p *totptest.Phone, otp string) kit.Answer {
			return p.App.Post("/me/totp/delete", `{"current_password":"correct horse","otp":"`+otp+`"}`, p.Bearer...)
		}, 422},
	} {
		t.Run(claim, func(t *testing.T) {
			p := c.begin(t, func(s *config.Settings) { s.Login.MaxFailures = 2 })
			for range 2 {
				if answer := c.send(p, p.Wrong()); answer.Status != c.wrong {
					t.Errorf("a wrong code is answered %d %s", answer.Status, answer.Body)
				}
			}
			c.send(p, p.Wrong()).Want(t, 429, "too_many_attempts")
			c.send(p, p.Code(0)).Want(t, 429, "too_many_attempts")
		})
	}
}

func TestALoginWithoutItsCodeIsNeitherAFailureNorASuccess(t *testing.T) {
	p := totptest.WithCodes(t, func(s *config.Settings) { s.Login.MaxFailures = 2 })
	p.Login(p.Wrong()).Want(t, 401, "login_failed")
	for range 5 {
		p.Login("").Want(t, 401, "otp_required")
	}
	p.Login(p.Wrong()).Want(t, 401, "login_failed")
	p.Login(p.Code(0)).Want(t, 429, "too_many_attempts")
}

// No hash slows these guesses down.
func TestTenOfManyWrongConfirmationsAtOnceAreAnswered(t *testing.T) {
	p := totptest.SetUp(t)
	var wrong, refused atomic.Int64
	var do []func()
	for range 50 {
		do = append(do, func() {
			switch p.App.Post("/me/totp/confirm", `{"otp":"`+p.Wrong()+`"}`, p.Bearer...).Status {
			case http.StatusUnprocessableEntity:
				wrong.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
			}
		})
	}
	kit.Together(do...)
	if wrong.Load() != 10 || refused.Load() != 40 {
		t.Errorf("%d are wrong, and %d are refused", wrong.Load(), refused.Load())
	}
}

func TestAConfirmationNeedsACode(t *testing.T) {
	p := totptest.WithCodes(t)
	for path, body := range p.App.RoutesWith("current_password", "otp") {
		if path == "/me/totp" { // codes are on already
			continue
		}
		for otp, says := range map[string]string{"": "is needed, because one-time codes are on", p.Wrong(): "is not right"} {
			kit.WantField(t, p.App.Post(path, kit.With(body, map[string]any{"current_password": apptest.Password, "otp": otp}), p.Bearer...), "otp", says)
		}
		kit.WantField(t, p.App.Post(path, kit.With(body, map[string]any{"otp": p.Code(0)}), p.Bearer...), "current_password", "is needed to confirm this")
	}
	p.App.Post("/me/email", `{"email":"eve@example.com","current_password":"correct horse","otp":"`+p.Code(0)+`"}`, p.Bearer...).Want(t, 200, "")
}

// A right password at another route, a new one, and an account that is enabled change nothing for who guesses codes.
func TestOnlyARightCodeClearsTheCountOfCodes(t *testing.T) {
	p := totptest.WithCodes(t, func(s *config.Settings) { s.Login.MaxFailures = 3 })
	guess := func(otp, want string) {
		t.Helper()
		if answer := p.Login(otp); answer.Field("code") != want {
			t.Fatalf("%s, want %s", answer.Body, want)
		}
	}
	guess(p.Wrong(), "login_failed")
	p.Login(p.Code(0)).Want(t, 200, "")
	for window, wait := range []time.Duration{15, 30, 60, 120, 240, 480, 960, 1440, 1440} {
		for range 3 {
			guess(p.Wrong(), "login_failed")
			guess("", "otp_required") // the password is right
		}
		answer := p.Login(p.Wrong()).Want(t, 429, "too_many_attempts")
		if retry := answer.Header.Get("Retry-After"); retry != fmt.Sprint(int((wait * time.Minute).Seconds())) {
			t.Errorf("window %d is %s s long, want %d min", window, retry, wait)
		}
		if err := p.App.Accounts.SetPassword(t.Context(), *p.App.User("ada@example.com"), apptest.Password); err != nil {
			t.Fatal(err)
		}
		if _, err := p.App.Accounts.Change(t.Context(), p.App.User("ada@example.com").ID, accounts.Change{Disabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		guess(p.Recovery[0], "too_many_attempts")
		start := p.App.DB.NowFunc().Add(wait * time.Minute)
		p.App.DB.NowFunc = func() time.Time { return start }
	}
	p.Login(p.Recovery[0]).Want(t, 200, "")
	guess(p.Wrong(), "login_failed")
	guess(p.Wrong(), "login_failed")
}
