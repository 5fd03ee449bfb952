package routes_test

import (
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/kit/totp"
	"example.com/latchkey/models"
)

// phone is an authenticator app of Ada, whose password is right.
type phone struct {
	app    *apptest.App
	secret totp.Secret
	step   int64 // the current one of the app, whose clock stands still
	bearer []string

	recovery []string
}

// standStill sets the clock of an app to the begin of a step.
func standStill(app *apptest.App) (now time.Time) {
	now = time.Now().UTC().Truncate(30 * time.Second)
	app.DB.NowFunc = func() time.Time { return now }
	return now
}

// withPhone is an app and a user who has set one-time codes up, and not confirmed.
func withPhone(t *testing.T, change ...func(*config.Settings)) *phone {
	t.Helper()
	app := apptest.New(t, change...)
	p := &phone{app: app, step: standStill(app).Unix() / 30}
	app.Register("ada@example.com")
	p.bearer = app.Login("ada@example.com")
	p.setUp(t)
	return p
}

func (p *phone) setUp(t *testing.T) kit.Answer {
	t.Helper()
	answer := p.app.Post("/me/totp", `{"current_password":"correct horse"}`, p.bearer...).Want(t, 200, "")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(answer.Field("secret"))
	if err != nil || len(secret) != 20 {
		t.Fatalf("%q: %v", answer.Field("secret"), err)
	}
	p.secret = secret
	return answer
}

// withCodes is withPhone with codes turned on, by that of the step before.
func withCodes(t *testing.T, change ...func(*config.Settings)) *phone {
	t.Helper()
	p := withPhone(t, change...)
	p.confirm(t)
	return p
}

func (p *phone) confirm(t *testing.T) {
	t.Helper()
	answer := p.app.Post("/me/totp/confirm", `{"otp":"`+p.code(-1)+`"}`, p.bearer...).Want(t, 200, "")
	var made struct {
		Codes []string `json:"recovery_codes"`
	}
	if err := json.Unmarshal([]byte(answer.Body), &made); err != nil || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatal(answer, err)
	}
	p.recovery = made.Codes
}

// code is the code of some steps from now.
func (p *phone) code(steps int64) string { return p.secret.At(p.step + steps) }

// wrong is not a code of the steps around now.
func (p *phone) wrong() string {
	for i := 0; ; i++ {
		if code := fmt.Sprintf("%06d", i); !slices.Contains([]string{p.code(-1), p.code(0), p.code(1)}, code) {
			return code
		}
	}
}

func (p *phone) login(otp string) kit.Answer { return loginWith(p.app, otp) }

func loginWith(app *apptest.App, otp string) kit.Answer {
	return app.Post("/login", `{"email":"ada@example.com","password":"correct horse","otp":"`+otp+`"}`)
}

func sessionsOf(app *apptest.App) (count int64) {
	app.DB.Model(&models.Session{}).Count(&count)
	return count
}

func TestALoginNeedsACode(t *testing.T) {
	p := withPhone(t)
	p.login("").Want(t, 200, "") // before a code is confirmed
	p.app.Post("/me/totp/confirm", `{"otp":"`+p.wrong()+`"}`, p.bearer...).Want(t, 422, "validation_failed")
	p.login("").Want(t, 200, "")
	p.confirm(t)
	before := sessionsOf(p.app)
	for claim, body := range map[string]string{"no otp": "", "an empty otp": `,"otp":""`} {
		answer := p.app.Post("/login", `{"email":"ada@example.com","password":"correct horse"`+body+`}`)
		if answer.Want(t, 401, "otp_required"); answer.Header.Get("WWW-Authenticate") != `Bearer realm="latchkey"` || answer.Field("detail") != "One-time code required" {
			t.Errorf("%s: %v %s", claim, answer.Header, answer.Body)
		}
	}
	p.login(p.wrong()).Want(t, 401, "login_failed")
	p.app.Post("/login", `{"email":"ada@example.com","password":"wrong","otp":"`+p.code(0)+`"}`).Want(t, 401, "login_failed")
	if after := sessionsOf(p.app); after != before {
		t.Errorf("%d sessions, want %d", after, before)
	}
	token := p.login(p.code(0)).Want(t, 200, "").Field("access_token")
	p.app.Get("/me", kit.Bearer(token)...).Want(t, 200, "")
	form := url.Values{"username": {"ada@example.com"}, "password": {apptest.Password}, "otp": {p.code(1)[:3] + " " + p.code(1)[3:]}}
	p.app.Post("/login", form.Encode(), "Content-Type", "application/x-www-form-urlencoded").Want(t, 200, "")
}

func TestACodeWorksInTheStepsNextToItsOwn(t *testing.T) {
	p := withCodes(t)
	start := p.app.DB.NowFunc()
	for _, into := range []time.Duration{0, 15 * time.Second, 29 * time.Second} {
		p.app.DB.NowFunc = func() time.Time { return start.Add(into) }
		for off, want := range map[time.Duration]int{-60 * time.Second: 401, -25 * time.Second: 200, 0: 200, 25 * time.Second: 200, 60 * time.Second: 401} {
			p.app.DB.Model(&models.TOTPSecret{}).Where("true").Update("last_step", 0)
			code := p.secret.At(start.Add(into+off).Unix() / 30)
			if answer := p.login(code); answer.Status != want {
				t.Errorf("%v into a step, with a clock that is %v off: %d %s", into, off, answer.Status, answer.Body)
			}
		}
	}
}

func TestACodeIsTakenOnce(t *testing.T) {
	p := withCodes(t)
	p.login(p.code(-1)).Want(t, 401, "login_failed") // which confirmed the secret
	p.login(p.code(1)).Want(t, 200, "")
	p.login(p.code(1)).Want(t, 401, "login_failed")
	p.login(p.code(0)).Want(t, 401, "login_failed") // an earlier one
}

// oneOf50 logs in at two processes with the same code, and wants one login.
func oneOf50(t *testing.T, p *phone, code string) {
	t.Helper()
	other := apptest.New(t, func(s *config.Settings) { *s = p.app.Settings }) // like another process
	other.DB.NowFunc = p.app.DB.NowFunc
	before := sessionsOf(p.app)
	var right atomic.Int64
	var do []func()
	for i := range 50 {
		do = append(do, func() {
			if loginWith([]*apptest.App{p.app, other}[i%2], code).Status == http.StatusOK {
				right.Add(1)
			}
		})
	}
	kit.Together(do...)
	if made := sessionsOf(p.app) - before; right.Load() != 1 || made != 1 {
		t.Errorf("%d of 50 logins are right, and begin %d sessions", right.Load(), made)
	}
}

func TestOneOfManyLoginsTakesACode(t *testing.T) { p := withCodes(t); oneOf50(t, p, p.code(0)) }

func TestOneOfManyLoginsTakesARecoveryCode(t *testing.T) {
	p := withCodes(t)
	oneOf50(t, p, p.recovery[0])
}

func TestEachOfTenRecoveryCodesWorksOnce(t *testing.T) {
	p := withCodes(t)
	form := regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`)
	if slices.Sort(p.recovery); len(slices.Compact(p.recovery)) != 10 {
		t.Error(p.recovery)
	}
	for i, code := range p.recovery {
		if !form.MatchString(code) {
			t.Error(code)
		}
		p.login([]string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", ""), " " + code + " "}[i%4]).Want(t, 200, "")
		p.login(code).Want(t, 401, "login_failed")
	}
	p.login(p.code(0)).Want(t, 200, "")
}

func TestCodesAreSetUpOnce(t *testing.T) {
	p := withPhone(t)
	p.app.Post("/me/totp", `{"current_password":"wrong"}`, p.bearer...).Want(t, 422, "validation_failed")
	first := p.code(-1)
	if answer := p.setUp(t); answer.Field("url") != p.secret.URL("latchkey", "ada@example.com") {
		t.Error(answer.Body)
	}
	p.app.Post("/me/totp/confirm", `{"otp":"`+first+`"}`, p.bearer...).Want(t, 422, "validation_failed") // of a secret that was replaced
	p.confirm(t)
	p.app.Post("/me/totp", `{"current_password":"correct horse"}`, p.bearer...).Want(t, 409, "already_exists")
	p.app.Post("/me/totp/confirm", `{"otp":"`+p.code(0)+`"}`, p.bearer...).Want(t, 409, "already_exists")
	p.login(p.code(0)).Want(t, 200, "")
	p.app.Register("bob@example.com")
	bob := p.app.Login("bob@example.com")
	for path, body := range map[string]string{"/me/totp/confirm": "", "/me/totp/delete": `"current_password":"correct horse",`} {
		p.app.Post(path, `{`+body+`"otp":"`+p.code(1)+`"}`, bob...).Want(t, 422, "validation_failed")
	}
}

func TestCodesAreTurnedOffWithBothPasswordAndCode(t *testing.T) {
	for claim, code := range map[string]func(*phone) string{
		"a one-time code": func(p *phone) string { return p.code(0) },
		"a recovery code": func(p *phone) string { return p.recovery[3] },
	} {
		t.Run(claim, func(t *testing.T) {
			p := withCodes(t)
			for _, wrong := range []struct{ password, otp, field string }{
				{"wrong", code(p), "current_password"},
				{apptest.Password, p.wrong(), "otp"},
				{apptest.Password, p.code(-1), "otp"},
				{apptest.Password, "", "otp"},
			} {
				answer := p.app.Post("/me/totp/delete", `{"current_password":"`+wrong.password+`","otp":"`+wrong.otp+`"}`, p.bearer...)
				if answer.Want(t, 422, "validation_failed"); !strings.Contains(answer.Body, `"field":"`+wrong.field+`"`) {
					t.Error(answer.Body)
				}
			}
			p.login("").Want(t, 401, "otp_required")
			p.app.Post("/me/totp/delete", `{"current_password":"correct horse","otp":"`+code(p)+`"}`, p.bearer...).Want(t, 204, "")
			p.login("").Want(t, 200, "")
			p.login(p.wrong()).Want(t, 200, "") // a code is ignored
			old := p.recovery
			p.setUp(t)
			p.confirm(t)
			p.login(old[0]).Want(t, 401, "login_failed")
		})
	}
}

// The rows of a stolen database do not help, and the log and other answers have nothing.
func TestASecretAndItsCodesAreNowhereInTheDatabase(t *testing.T) {
	p := withCodes(t)
	p.login(p.code(0)).Want(t, 200, "")
	p.login(p.recovery[0]).Want(t, 200, "")
	p.login(p.wrong()).Want(t, 401, "login_failed")
	tables, err := p.app.DB.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	seen := p.app.Log.String()
	for _, table := range tables {
		var rows []map[string]any
		p.app.DB.Table(table).Find(&rows)
		seen += fmt.Sprintf("%s: %s %x", table, rows, rows)
	}
	for _, secret := range []string{p.secret.Text(), string(p.secret), hex.EncodeToString(p.secret), p.recovery[1], strings.ReplaceAll(p.recovery[1], "-", ""), p.recovery[0]} {
		if strings.Contains(strings.ToLower(seen), strings.ToLower(secret)) {
			t.Errorf("%q is in %s", secret, seen)
		}
	}
}

// stolen is the row of another user, whose codes its owner knows.
func TestARowOfAnotherUserDoesNotWork(t *testing.T) {
	p := withCodes(t)
	p.app.Register("eve@example.com")
	eve := *p
	eve.bearer = p.app.Login("eve@example.com")
	eve.setUp(t)
	var row models.TOTPSecret
	p.app.DB.Take(&row, "user_id = ?", p.app.User("eve@example.com").ID)
	p.app.DB.Model(&models.TOTPSecret{}).Where("user_id = ?", p.app.User("ada@example.com").ID).Update("secret", row.Secret)
	p.login(eve.code(0)).Want(t, 500, "internal")
}

func TestSecretsOutliveAChangeOfTheJWTSecret(t *testing.T) {
	p := withCodes(t)
	with := func(change func(*config.JWT)) *phone {
		app := apptest.New(t, func(s *config.Settings) { *s = p.app.Settings; change(&s.JWT) })
		app.DB.NowFunc = p.app.DB.NowFunc
		moved := *p
		moved.app = app
		return &moved
	}
	current, signing := settings.NewSecret(), apptest.Signing(t, token.EdDSA)
	both := with(func(s *config.JWT) { s.Secret, s.PreviousSecrets = current, []settings.Secret{s.Secret} })
	forgotten := with(func(s *config.JWT) { s.Secret = current })
	asymmetric := with(func(s *config.JWT) {
		signed := config.Settings{JWT: *s}
		signing(&signed)
		*s = signed.JWT
	})

	asymmetric.login(p.code(0)).Want(t, 200, "")
	forgotten.login(p.code(1)).Want(t, 500, "internal")
	if log := forgotten.app.Log.String(); !strings.Contains(log, "put the former jwt.secret into jwt.previous_secrets") {
		t.Error(log)
	}
	forgotten.login(p.recovery[0]).Want(t, 200, "")
	both.login(p.code(1)).Want(t, 200, "")

	both.app.RunJobs()
	kit.Await(t, "the job is due", func() bool {
		return both.app.DB.Exec("UPDATE jobs SET run_at = created_at WHERE kind = 'encrypt one-time codes'").RowsAffected == 1
	})
	p.app.DB.Model(&models.TOTPSecret{}).Where("true").Update("last_step", 0)
	kit.Await(t, "the secret is encrypted with the current key", func() bool { return forgotten.login(p.code(1)).Status == 200 })
}

func TestADeletedUserLeavesNoCodes(t *testing.T) {
	p := withCodes(t)
	p.app.Post("/me/delete", `{"current_password":"correct horse","otp":"`+p.code(0)+`"}`, p.bearer...).Want(t, 204, "")
	var secrets, recovery int64
	p.app.DB.Model(&models.TOTPSecret{}).Count(&secrets)
	p.app.DB.Model(&models.RecoveryCode{}).Count(&recovery)
	if secrets+recovery != 0 {
		t.Errorf("%d secrets and %d recovery codes are left", secrets, recovery)
	}
	p.app.Register("ada@example.com")
	p.login("").Want(t, 200, "")
}

func TestADisabledUserIsToldSoWithEveryCode(t *testing.T) {
	p := withCodes(t)
	p.app.DB.Model(&models.User{}).Where("true").Update("disabled", true)
	for _, otp := range []string{"", p.wrong(), p.code(0)} {
		p.login(otp).Want(t, 403, "forbidden")
	}
	p.app.DB.Model(&models.User{}).Where("true").Update("disabled", false)
	p.login(p.code(0)).Want(t, 200, "") // it was not used up
}

func TestANewPasswordKeepsCodesOn(t *testing.T) {
	p := withCodes(t)
	p.app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple","otp":"`+p.code(0)+`"}`, p.bearer...).Want(t, 204, "")
	p.app.Post("/login", `{"email":"ada@example.com","password":"battery staple"}`).Want(t, 401, "otp_required")
}

// Else a thief of a session could turn on codes that the user does not have.
func TestALoginThatHasEndedTurnsNoCodesOn(t *testing.T) {
	p := withPhone(t, func(s *config.Settings) { s.JWT.RevocationLag = time.Hour })
	p.app.Get("/protected", p.bearer...).Want(t, 200, "") // cached
	end(p.app)                                            // without the API
	p.app.Post("/me/totp/confirm", `{"otp":"`+p.code(0)+`"}`, p.bearer...).Want(t, 401, "token_revoked")
	p.login("").Want(t, 200, "")
}

func TestTheServiceHasANameInTheApp(t *testing.T) {
	for issuer, want := range map[string]string{"latchkey": "latchkey", "https://api.example.com:8443/v1": "api.example.com", "urn:acme": "urn acme", "Ada & Co": "Ada & Co"} {
		p := withPhone(t, func(s *config.Settings) { s.JWT.Issuer = issuer })
		if got, want := p.setUp(t).Field("url"), p.secret.URL(want, "ada@example.com"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestWrongCodesAreThrottled(t *testing.T) {
	atLogin := func(p *phone, otp string) kit.Answer { return p.login(otp) }
	for claim, c := range map[string]struct {
		begin func(*testing.T, ...func(*config.Settings)) *phone
		send  func(p *phone, otp string) kit.Answer
		wrong int
	}{
		"at a login": {withCodes, atLogin, 401},
		"as a recovery code": {withCodes, func(p *phone, otp string) kit.Answer {
			if otp == p.wrong() {
				otp = "aaaa-aaaa-aaaa-aaaa"
			}
			return p.login(otp)
		}, 401},
		"to turn codes on": {withPhone, func(p *phone, otp string) kit.Answer {
			return p.app.Post("/me/totp/confirm", `{"otp":"`+otp+`"}`, p.bearer...)
		}, 422},
		"to turn codes off": {withCodes, func(p *phone, otp string) kit.Answer {
			return p.app.Post("/me/totp/delete", `{"current_password":"correct horse","otp":"`+otp+`"}`, p.bearer...)
		}, 422},
	} {
		t.Run(claim, func(t *testing.T) {
			p := c.begin(t, func(s *config.Settings) { s.Login.MaxFailures = 2 })
			for range 2 {
				if answer := c.send(p, p.wrong()); answer.Status != c.wrong {
					t.Errorf("a wrong code is answered %d %s", answer.Status, answer.Body)
				}
			}
			c.send(p, p.wrong()).Want(t, 429, "too_many_attempts")
			c.send(p, p.code(0)).Want(t, 429, "too_many_attempts")
		})
	}
}

func TestALoginWithoutItsCodeIsNeitherAFailureNorASuccess(t *testing.T) {
	p := withCodes(t, func(s *config.Settings) { s.Login.MaxFailures = 2 })
	p.login(p.wrong()).Want(t, 401, "login_failed")
	for range 5 {
		p.login("").Want(t, 401, "otp_required")
	}
	p.login(p.wrong()).Want(t, 401, "login_failed")
	p.login(p.code(0)).Want(t, 429, "too_many_attempts")
}

// No hash slows these guesses down.
func TestTenOfManyWrongConfirmationsAtOnceAreAnswered(t *testing.T) {
	p := withPhone(t)
	var wrong, refused atomic.Int64
	var do []func()
	for range 50 {
		do = append(do, func() {
			switch p.app.Post("/me/totp/confirm", `{"otp":"`+p.wrong()+`"}`, p.bearer...).Status {
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
	p := withCodes(t)
	const password = `,"current_password":"correct horse"`
	for path, rest := range confirmed(t) {
		if path == "/me/totp" { // codes are on already
			continue
		}
		for proof, says := range map[string]string{password: "is needed, because one-time codes are on", password + `,"otp":"` + p.wrong() + `"`: "is not right"} {
			wantField(t, confirm(p.app, path, rest, proof, p.bearer), "otp", says)
		}
		wantField(t, confirm(p.app, path, rest, `,"otp":"`+p.code(0)+`"`, p.bearer), "current_password", "is needed to confirm this")
	}
	p.app.Post("/me/email", `{"email":"eve@example.com"`+password+`,"otp":"`+p.code(0)+`"}`, p.bearer...).Want(t, 200, "")
}

// A right password at another route, and a new one, change nothing for who guesses codes.
func TestOnlyARightCodeClearsTheCountOfCodes(t *testing.T) {
	p := withCodes(t, func(s *config.Settings) { s.Login.MaxFailures = 3 })
	guess := func(otp, want string) {
		t.Helper()
		if answer := p.login(otp); answer.Field("code") != want {
			t.Fatalf("%s, want %s", answer.Body, want)
		}
	}
	guess(p.wrong(), "login_failed")
	p.login(p.code(0)).Want(t, 200, "")
	for window, wait := range []time.Duration{15, 30, 60, 120, 240, 480, 960, 1440, 1440} {
		for range 3 {
			guess(p.wrong(), "login_failed")
			guess("", "otp_required") // the password is right
		}
		answer := p.login(p.wrong()).Want(t, 429, "too_many_attempts")
		if retry := answer.Header.Get("Retry-After"); retry != fmt.Sprint(int((wait * time.Minute).Seconds())) {
			t.Errorf("window %d is %s s long, want %d min", window, retry, wait)
		}
		guess(p.recovery[0], "too_many_attempts")
		start := p.app.DB.NowFunc().Add(wait * time.Minute)
		p.app.DB.NowFunc = func() time.Time { return start }
	}
	p.login(p.recovery[0]).Want(t, 200, "")
	guess(p.wrong(), "login_failed")
	guess(p.wrong(), "login_failed")
}
