// Package config has all settings of the program. It reads and checks them once, from
// config.yaml and the environment.
package config

import (
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
	Server      Server             `mapstructure:"server"`
	Database    database.Settings  `mapstructure:"database"`
	JWT         JWT                `mapstructure:"jwt"`
	Password    password.Settings  `mapstructure:"password"`
	Register    Register           `mapstructure:"register"`
	Login       Login              `mapstructure:"login"`
	Mail        Mail               `mapstructure:"mail"`
	Events      Events             `mapstructure:"events"`
	Log         server.LogSettings `mapstructure:"log"`

	Ignored []string `mapstructure:"-"` // the APP_ variables that are not similar to a setting
}

// Server configures the HTTP server.
type Server struct {
	server.Settings `mapstructure:",squash"`

	Docs *bool `mapstructure:"docs"`

	Metrics `mapstructure:",squash"`
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

// Login configures who may log in, and how often one may fail.
type Login struct {
	throttle.Settings `mapstructure:",squash"`

	Verified `mapstructure:",squash"`
}

// Realm names the service in every challenge (RFC 9110, section 11.5), and is not a
// password.
const Realm = "latchkey"

// Defaults returns the default settings; a test compares config.yaml with them.
func Defaults() Settings {
	return Settings{
		Environment: settings.Development,
		Server:      Server{Settings: server.Defaults()},
		Database:    database.Defaults(),
		JWT:         defaultJWT(),
		Password:    password.Defaults(),
		Register:    Register{Open: true},
		Login:       Login{Settings: throttle.Defaults()},
		Mail:        defaultMail(),
		Events:      defaultEvents(),
		Log:         server.LogSettings{Level: "info"},
	}
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

// ShowDocs reports whether /docs and /openapi.json are served: by server.docs
// or, if that is empty, in development only.
func (s Settings) ShowDocs() bool {
	if s.Server.Docs != nil {
		return *s.Server.Docs
	}
	return s.Environment == settings.Development
}
