package tests

import (
	"net/url"
	"strings"
	"testing"

	"example.com/latchkey/parts/totp/totptest"
)

func TestAnOAuth2ClientSendsACode(t *testing.T) {
	p := totptest.WithCodes(t)
	for _, c := range []struct {
		otp    string
		status int
		says   string
	}{
		{"", 400, `{"error":"invalid_grant","error_description":"One-time code required"}`},
		{p.Wrong(), 400, `{"error":"invalid_grant","error_description":"Incorrect username or password"}`},
		{p.Code(0), 200, `"access_token":`},
		{p.Recovery[0], 200, `"access_token":`},
	} {
		form := url.Values{"grant_type": {"password"}, "username": {"ada@example.com"}, "password": {"correct horse"}, "otp": {c.otp}}
		answer := p.App.Post("/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded").Want(t, c.status, "")
		if !strings.Contains(answer.Body, c.says) {
			t.Errorf("%q is answered %s, want %s", c.otp, answer.Body, c.says)
		}
	}
}
