package password

import (
	"time"

	"golang.org/x/crypto/bcrypt"

	"example.com/latchkey/kit/settings"
)

// Settings are how passwords are checked and hashed.
type Settings struct {
	BcryptCost int           `mapstructure:"bcrypt_cost"`
	MinLength  int           `mapstructure:"min_length"`
	MaxWait    time.Duration `mapstructure:"max_wait"`
	Blocklist  bool          `mapstructure:"blocklist"`
}

// Defaults returns the settings of a server.
func Defaults() Settings {
	return Settings{BcryptCost: 12, MinLength: 8, MaxWait: 5 * time.Second, Blocklist: true}
}

// Check adds the faults of the settings in an environment.
func (s Settings) Check(f settings.Section, environment string) {
	f.Positive("max_wait", s.MaxWait)
	least := bcrypt.MinCost
	if environment == settings.Production {
		least = 10
	}
	if s.BcryptCost < least || s.BcryptCost > 20 {
		f.Add("bcrypt_cost", "%d is not between %d and 20 (%s)", s.BcryptCost, least, environment)
	}
	if s.MinLength < 1 || s.MinLength > maxPassword {
		f.Add("min_length", "%d is not between 1 and 72: bcrypt reads at most 72 bytes", s.MinLength)
	}
}
