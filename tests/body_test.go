package tests

import (
	"slices"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
)

func TestEachRouteLimitsItsBody(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t, func(s *config.Settings) { s.Server.MaxBody = 100 * settings.KiB })
	app.Register("ada@example.com")
	bearer := app.Login("ada@example.com")
	long := func(size settings.Size) string { return `{"x":"` + strings.Repeat("x", int(size)-8) + `"}` }
	for claim, c := range map[string]struct {
		path   string
		size   settings.Size
		status int
		says   string
	}{
		"64 KiB to a public route":             {"/login", 64 * settings.KiB, 422, "is not a field"},
		"one byte more":                        {"/login", 64*settings.KiB + 1, 413, "The body is over 65536 bytes"},
		"server.max_body to a protected route": {"/me/password", 100 * settings.KiB, 422, "is not a field"},
		"one byte more than it":                {"/me/password", 100*settings.KiB + 1, 413, "The body is over 102400 bytes"},
	} {
		if answer := app.Serve("POST", c.path, long(c.size), slices.Concat(bearer, []string{"Content-Type", "application/json"})...); answer.Status != c.status || !strings.Contains(answer.Body, c.says) {
			t.Errorf("%s: %d %s", claim, answer.Status, answer.Body)
		}
	}
	small := apptest.New(t, func(s *config.Settings) { s.Server.MaxBody = settings.KiB })
	if answer := small.Post("/login", long(settings.KiB+1)).Want(t, 413, "body_too_large"); !strings.Contains(answer.Body, "1024 bytes") {
		t.Errorf("a public route takes more than server.max_body: %s", answer.Body)
	}
}
