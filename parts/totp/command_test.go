package totp_test

import (
	"encoding/base32"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/totp"
)

func TestCodesAreTurnedOffOnTheCommandLine(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder := t.TempDir()
	s := apptest.Launch(t, folder).Await()
	s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	bearer := []string{"Authorization", "Bearer " + s.Token("ada@example.com")}
	var made struct{ Secret string }
	if err := json.Unmarshal([]byte(s.Want(200, "POST", "/me/totp", `{"current_password":"`+apptest.Password+`"}`, bearer...)), &made); err != nil {
		t.Fatal(err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(made.Secret)
	if err != nil {
		t.Fatal(err)
	}
	code := totp.Secret(secret).At(time.Now().Unix() / 30)
	s.Want(200, "POST", "/me/totp/confirm", `{"otp":"`+code+`"}`, bearer...)
	if answer := s.Want(401, "POST", "/login", apptest.Credentials("ada@example.com")); !strings.Contains(answer, "otp_required") {
		t.Error(answer)
	}
	kit.WantOutput(t, folder, apptest.FastHashing, `ada@example\.com logs in without one-time codes\.`, "user", "totp-off", "ada@example.com")
	s.Token("ada@example.com")
	kit.WantError(t, folder, apptest.FastHashing, "ada@example.com has no one-time codes", "user", "totp-off", "ada@example.com")
	kit.WantError(t, folder, apptest.FastHashing, "no user has the email bob@example.com", "user", "totp-off", "bob@example.com")
}
