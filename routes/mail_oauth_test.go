package routes_test

import (
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
)

func TestATokenNeedsAVerifiedEmailIfTheSettingsSaySo(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.Login.RequireVerifiedEmail = true })
	app.Register("ada@example.com")
	answer := app.Post("/token", "grant_type=password&username=ada@example.com&password=correct+horse", "Content-Type", "application/x-www-form-urlencoded").Want(t, 400, "")
	if answer.Field("error") != "invalid_grant" {
		t.Error(answer.Body)
	}
}
