package tests

import (
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
)

// noMail begins a warning that mail_test.go tests.
const noMail = `level=WARN msg="no mail is sent`

// production is what an operator sets.
func production(more ...string) []string {
	return append([]string{
		"APP_ENVIRONMENT=production", "APP_JWT_SECRET=" + string(settings.NewSecret().Bytes()), "APP_LOG_FORMAT=text", "APP_PASSWORD_BCRYPT_COST=12",
		"APP_SERVER_TRUSTED_PROXIES=127.0.0.1",
	}, more...)
}

func TestTheStartWarnsOnceOfEachRiskySetting(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	const untrusted = "X-Forwarded-For is ignored, because server.trusted_proxies is empty"
	for claim, c := range map[string]struct {
		environ []string
		want    []string
	}{
		"nothing in production":                     {production(), nil},
		"nothing in development, but of a proxy":    {nil, []string{untrusted}},
		"documents that everybody can read":         {production("APP_SERVER_DOCS=true"), []string{"everybody can read /docs and /openapi.json"}},
		"cheap hashes":                              {production("APP_PASSWORD_BCRYPT_COST=11"), []string{"password.bcrypt_cost is 11: "}},
		"a proxy that is not trusted":               {production("APP_SERVER_TRUSTED_PROXIES="), []string{untrusted}},
		"a variable that may be of another program": {production("APP_THEIRS=1"), []string{"variables that are not settings are ignored: APP_THEIRS"}},
	} {
		t.Run(claim, func(t *testing.T) {
			s := apptest.Launch(t, t.TempDir(), c.environ...).Await()
			for range 2 {
				s.Want(200, "GET", "/healthz", "", "X-Forwarded-For", "203.0.113.7")
			}
			s.Signal(syscall.SIGTERM)
			s.End() // then all lines are written
			log := s.Printed()
			if got := strings.Count(log, "level=WARN") - strings.Count(log, noMail); got != len(c.want) {
				t.Errorf("%d warnings: %s", got, log)
			}
			for _, text := range c.want {
				if strings.Count(log, text) != 1 {
					t.Errorf("not once: %s\n%s", text, log)
				}
			}
		})
	}
}

func TestTheStartSaysWhatIsOn(t *testing.T) {
	for claim, c := range map[string]struct {
		environ []string
		want    string
	}{
		"in development": {nil, `environment=development throttle="10 failures in 15m0s" mail=kept metrics=off docs=true`},
		"in production":  {production(), `environment=production throttle="10 failures in 15m0s" mail=off metrics=off docs=false`},
	} {
		s := apptest.Launch(t, t.TempDir(), append(c.environ, newDatabase(t), "APP_LOGIN_MAX_FAILURES=10")...).Await()
		if log := s.Printed(); strings.Count(log, c.want) != 1 || !regexp.MustCompile(` database="?(sqlite|postgres)://`).MatchString(log) {
			t.Errorf("%s: %s", claim, log)
		}
	}
}
