// Package config has all settings of the program. It reads and checks them once, from
// config.yaml and the environment.
package config

import (
	"reflect"
	"time"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/server"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/throttle"
	"example.com/latchkey/kit/token"
)

// Settings holds every setting; config.yaml explains each.
type Settings struct {
	Environment string             `mapstructure:"environment"`
	Server      server.Settings    `mapstructure:"server"`
	Database    database.Settings  `mapstructure:"database"`
	JWT         JWT                `mapstructure:"jwt"`
	Password    password.Settings  `mapstructure:"password"`
	Register    Register           `mapstructure:"register"`
	Login       throttle.Settings  `mapstructure:"login"`
	Log         server.LogSettings `mapstructure:"log"`

	Ignored []string `mapstructure:"-"` // the APP_ variables that are not similar to a setting

	sections map[reflect.Type]any // those of the parts, by their types
}

// JWT configures tokens and sessions.
type JWT struct {
	token.Settings `mapstructure:",squash"`

	RefreshTTL    time.Duration `mapstructure:"refresh_ttl"`
	RefreshGrace  time.Duration `mapstructure:"refresh_grace"`
	RevocationLag time.Duration `mapstructure:"revocation_lag"`
	MaxSessions   int           `mapstructure:"max_sessions"`
}

// Register configures who may create an account.
type Register struct {
	Open bool `mapstructure:"open"` // everybody, not only admins
}

// Realm names the service in every challenge (RFC 9110, section 11.5), and is not a
// password.
const Realm = "latchkey"

// Defaults returns the default settings, with the sections of the parts; a test compares
// config.yaml with them.
func Defaults(sections ...Section) Settings {
	s := Settings{
		sections:    map[reflect.Type]any{},
		Environment: settings.Development,
		Server:      server.Defaults(),
		Database:    database.Defaults(),
		JWT:         defaultJWT(),
		Password:    password.Defaults(),
		Register:    Register{Open: true},
		Login:       throttle.Defaults(),
		Log:         server.LogSettings{Level: "info"},
	}
	for _, section := range sections {
		s.sections[section.of] = section.new()
	}
	return s
}

func defaultJWT() JWT {
	s := JWT{
		Settings: token.Defaults(), RefreshTTL: 720 * time.Hour,
		RefreshGrace: 10 * time.Second, RevocationLag: 5 * time.Second, MaxSessions: 100,
	}
	s.Issuer, s.Audience = "latchkey", "latchkey"
	return s
}

// InProduction reports whether the environment is production.
func (s Settings) InProduction() bool { return s.Environment == settings.Production }
