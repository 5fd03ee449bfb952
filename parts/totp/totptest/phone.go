// Package totptest has an authenticator app for tests.
package totptest

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/totp"
)

// Phone is an authenticator app of Ada, whose password is right.
type Phone struct {
	App    *apptest.App
	Secret totp.Secret
	Bearer []string // of a session from before the codes

	Recovery []string

	step int64 // the current one of the app, whose clock stands still
}

// SetUp runs the API, whose clock stands still at the begin of a step, with a user who has
// set one-time codes up, and not confirmed.
func SetUp(t *testing.T, change ...func(*config.Settings)) *Phone {
	t.Helper()
	app := apptest.New(t, change...)
	now := time.Now().UTC().Truncate(30 * time.Second)
	app.DB.NowFunc = func() time.Time { return now }
	p := &Phone{App: app, step: now.Unix() / 30}
	app.Register("ada@example.com")
	p.Bearer = app.Login("ada@example.com")
	p.SetUp(t)
	return p
}

// WithCodes is SetUp with codes turned on, by that of the step before.
func WithCodes(t *testing.T, change ...func(*config.Settings)) *Phone {
	t.Helper()
	p := SetUp(t, change...)
	p.Confirm(t)
	return p
}

// SetUp gets a secret.
func (p *Phone) SetUp(t *testing.T) kit.Answer {
	t.Helper()
	answer := p.App.Post("/me/totp", `{"current_password":"`+apptest.Password+`"}`, p.Bearer...).Want(t, 200, "")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(answer.Field("secret"))
	if err != nil || len(secret) != 20 {
		t.Fatalf("%q: %v", answer.Field("secret"), err)
	}
	p.Secret = secret
	return answer
}

// Confirm turns codes on, by that of the step before.
func (p *Phone) Confirm(t *testing.T) {
	t.Helper()
	answer := p.App.Post("/me/totp/confirm", `{"otp":"`+p.Code(-1)+`"}`, p.Bearer...).Want(t, 200, "")
	var made struct {
		Codes []string `json:"recovery_codes"`
	}
	if err := json.Unmarshal([]byte(answer.Body), &made); err != nil || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatal(answer, err)
	}
	p.Recovery = made.Codes
}

// Code is the code of some steps from now.
func (p *Phone) Code(steps int64) string { return p.Secret.At(p.step + steps) }

// Wrong is not a code of the steps around now.
func (p *Phone) Wrong() string {
	for i := 0; ; i++ {
		if code := fmt.Sprintf("%06d", i); !slices.Contains([]string{p.Code(-1), p.Code(0), p.Code(1)}, code) {
			return code
		}
	}
}

// Login logs Ada in with a code.
func (p *Phone) Login(otp string) kit.Answer {
	return p.App.Post("/login", `{"email":"ada@example.com","password":"`+apptest.Password+`","otp":"`+otp+`"}`)
}

// At is the Phone with another process, whose clock stands still too.
func (p *Phone) At(app *apptest.App) *Phone {
	app.DB.NowFunc = p.App.DB.NowFunc
	moved := *p
	moved.App = app
	return &moved
}
