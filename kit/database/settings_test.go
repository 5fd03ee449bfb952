package database_test

import (
	"strings"
	"testing"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/settings"
)

func TestAWrongURLIsRefusedAndNotShown(t *testing.T) {
	for url, want := range map[string]string{ //nolint:gosec // no real passwords
		"sqlite://x.db":                           "",
		"postgres://u:hidden@h/x":                 "",
		"postgres://u:hidden@/x?host=/cloudsql/x": "",
		"mysql://u:hidden@h/x":                    "write sqlite://PATH with the path of a file, such as sqlite://data/app.db",
		"POSTGRES://u:hidden@h/x":                 "write postgres:// in lower case",
		"postgres://u:hidden@b@h/x":               "cannot be read: percent-encode",
		"postgres://u:hidden#b@h/x":               "cannot be read: percent-encode",
		"postgres://u:hidden/b@h/x":               "cannot be read: percent-encode",
		"postgres://u:12?hidden@h/x":              "cannot be read: percent-encode",
		"postgres://u:hidden%zz@h/x":              "cannot be read: percent-encode",
		"postgres:///x":                           "has no host",
		"sqlite://":                               "write sqlite://PATH",
		"sqlite://:memory:":                       "write sqlite://PATH with the path of a file",
		"sqlite://x.db?mode=ro":                   "options after a ? are not allowed",
		"sqlite:///./x.db":                        "write a relative path without the third slash",
		"sqlite://~/x.db":                         "~ is not expanded",
	} {
		err := database.CheckURL(url)
		switch {
		case want == "" && err == nil:
		case err == nil || want == "" || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hidden"):
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

func TestAWrongSettingIsReportedWithAdvice(t *testing.T) {
	for want, change := range map[string]func(*database.Settings){
		"x.max_connections: 1 is less than 2":           func(s *database.Settings) { s.MaxConnections = 1 },
		"x.max_idle_time: 0s is not greater than 0":     func(s *database.Settings) { s.MaxIdleTime = 0 },
		"x.statement_timeout: 0s is not greater than 0": func(s *database.Settings) { s.StatementTimeout = 0 },
		"x.lock_timeout: 0s is not greater than 0":      func(s *database.Settings) { s.LockTimeout = 0 },
		"x.url: write sqlite://PATH":                    func(s *database.Settings) { s.URL = "" },
	} {
		s := database.Defaults()
		change(&s)
		var faults settings.Faults
		s.Check(faults.Section("x"))
		if len(faults) != 1 || !strings.HasPrefix(faults[0], want) {
			t.Errorf("%v, want %s", faults, want)
		}
	}
}
