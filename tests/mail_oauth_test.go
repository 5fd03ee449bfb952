package tests

import (
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	"example.com/latchkey/parts/mail"
)

func TestATokenNeedsAVerifiedEmailIfTheSettingsSaySo(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { config.Of[mail.LoginSettings](*s).RequireVerifiedEmail = true })
	app.Register("ada@example.com")
	answer := app.Post("/token", "grant_type=password&username=ada@example.com&password=correct+horse", "Content-Type", form).Want(t, 400, "")
	if answer.Field("error") != "invalid_grant" {
		t.Error(answer.Body)
	}
}
