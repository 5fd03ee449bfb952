package password_test

import (
	"strings"
	"testing"

	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/settings"
)

func TestAWrongSettingIsReportedWithAdvice(t *testing.T) {
	for want, c := range map[string]struct {
		environment string
		change      func(*password.Settings)
	}{
		"x.max_wait: 0s is not greater than 0":             {settings.Development, func(s *password.Settings) { s.MaxWait = 0 }},
		"x.bcrypt_cost: 3 is not between 4 and 20":         {settings.Development, func(s *password.Settings) { s.BcryptCost = 3 }},
		"x.bcrypt_cost: 21 is not between 4 and 20":        {settings.Development, func(s *password.Settings) { s.BcryptCost = 21 }},
		"x.bcrypt_cost: 9 is not between 10 and 20 (produ": {settings.Production, func(s *password.Settings) { s.BcryptCost = 9 }},
		"x.min_length: 0 is not between 1 and 72":          {settings.Development, func(s *password.Settings) { s.MinLength = 0 }},
		"x.min_length: 73 is not between 1 and 72":         {settings.Development, func(s *password.Settings) { s.MinLength = 73 }},
	} {
		s := password.Defaults()
		c.change(&s)
		var faults settings.Faults
		s.Check(faults.Section("x"), c.environment)
		if len(faults) != 1 || !strings.HasPrefix(faults[0], want) {
			t.Errorf("%v, want %s", faults, want)
		}
	}
}
