// Package config reads and checks all settings once, and returns them typed.
// No other package reads the settings file or the environment.
package config

import (
	"crypto"
	"fmt"
	"time"
)

// Settings holds every setting; config.yaml explains each.
type Settings struct {
	Environment string   `mapstructure:"environment"`
	Server      Server   `mapstructure:"server"`
	Database    Database `mapstructure:"database"`
	JWT         JWT      `mapstructure:"jwt"`
	Password    Password `mapstructure:"password"`
	Register    Register `mapstructure:"register"`
	Login       Login    `mapstructure:"login"`
	Mail        Mail     `mapstructure:"mail"`
	Events      Events   `mapstructure:"events"`
	Log         Log      `mapstructure:"log"`

	Ignored []string `mapstructure:"-"` // the APP_ variables that are not similar to a setting
}

// Server configures the HTTP server.
type Server struct {
	Address         string        `mapstructure:"address"`
	BasePath        string        `mapstructure:"base_path"`
	PublicURL       string        `mapstructure:"public_url"`
	TrustedProxies  []string      `mapstructure:"trusted_proxies"`
	CORSOrigins     []string      `mapstructure:"cors_origins"`
	CORSHeaders     []string      `mapstructure:"cors_headers"`
	MaxBody         Size          `mapstructure:"max_body"`
	MaxConnections  int           `mapstructure:"max_connections"`
	Docs            *bool         `mapstructure:"docs"`
	ShutdownDelay   time.Duration `mapstructure:"shutdown_delay"`
	ShutdownTimeout time.Duration `mapstructure:"shutdown_timeout"`

	Metrics `mapstructure:",squash"`
}

// Database configures the database.
type Database struct {
	URL     string `mapstructure:"url"`
	Migrate bool   `mapstructure:"migrate"`

	// For PostgreSQL only.
	Pooled           bool          `mapstructure:"pooled"`
	MaxConnections   int           `mapstructure:"max_connections"`
	MaxIdleTime      time.Duration `mapstructure:"max_idle_time"`
	StatementTimeout time.Duration `mapstructure:"statement_timeout"`
	LockTimeout      time.Duration `mapstructure:"lock_timeout"`
}

// JWT configures tokens and sessions.
type JWT struct {
	Secret           Secret        `mapstructure:"secret"`
	PreviousSecrets  []Secret      `mapstructure:"previous_secrets"`
	Algorithm        string        `mapstructure:"algorithm"`
	KeyFile          string        `mapstructure:"key_file"`
	PreviousKeyFiles []string      `mapstructure:"previous_key_files"`
	Issuer           string        `mapstructure:"issuer"`
	Audience         string        `mapstructure:"audience"`
	AccessTTL        time.Duration `mapstructure:"access_ttl"`
	RefreshTTL       time.Duration `mapstructure:"refresh_ttl"`
	RefreshGrace     time.Duration `mapstructure:"refresh_grace"`
	RevocationLag    time.Duration `mapstructure:"revocation_lag"`
	MaxSessions      int           `mapstructure:"max_sessions"`
	MaxRemembered    int           `mapstructure:"max_remembered"`

	// The content of the key files; of the previous ones only the public keys.
	Key          PrivateKey         `mapstructure:"-"`
	PreviousKeys []crypto.PublicKey `mapstructure:"-"`
}

// Secrets returns the current secret, which signs, and then the previous ones.
func (s JWT) Secrets() []Secret { return append([]Secret{s.Secret}, s.PreviousSecrets...) }

// Password configures how passwords are checked and hashed.
type Password struct {
	BcryptCost int           `mapstructure:"bcrypt_cost"`
	MinLength  int           `mapstructure:"min_length"`
	MaxWait    time.Duration `mapstructure:"max_wait"`
	Blocklist  bool          `mapstructure:"blocklist"`
}

// Register configures who may create an account.
type Register struct {
	Open bool `mapstructure:"open"` // everybody, not only admins
}

// Login configures who may log in, and how often one may fail.
type Login struct {
	MaxFailures int           `mapstructure:"max_failures"`
	Window      time.Duration `mapstructure:"window"`

	Verified `mapstructure:",squash"`
}

// Log configures the log.
type Log struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"`
}

// Realm names the service in every challenge (RFC 9110, section 11.5), and is not a
// password.
const Realm = "latchkey"

const (
	// Development is the default environment, which needs no settings.
	Development = "development"
	// Production refuses settings that are too weak outside development.
	Production = "production"
)

// Defaults returns the default settings; a test compares config.yaml with them.
func Defaults() Settings {
	return Settings{
		Environment: Development,
		Server: Server{
			Address: "127.0.0.1:8080", CORSHeaders: []string{"traceparent", "X-Requested-With"},
			MaxBody: MiB, MaxConnections: 4096, ShutdownTimeout: 15 * time.Second,
		},
		Database: Database{
			URL: "sqlite://data/app.db", Migrate: true,
			MaxConnections: 20, MaxIdleTime: 5 * time.Minute, StatementTimeout: 30 * time.Second, LockTimeout: 10 * time.Second,
		},
		JWT: JWT{
			Algorithm: HS256, Issuer: "latchkey", Audience: "latchkey",
			AccessTTL: 15 * time.Minute, RefreshTTL: 720 * time.Hour,
			RefreshGrace: 10 * time.Second, RevocationLag: 5 * time.Second, MaxSessions: 100, MaxRemembered: 50_000,
		},
		Password: Password{BcryptCost: 12, MinLength: 8, MaxWait: 5 * time.Second, Blocklist: true},
		Register: Register{Open: true},
		Login:    Login{MaxFailures: 10, Window: 15 * time.Minute},
		Mail:     defaultMail(),
		Events:   defaultEvents(),
		Log:      Log{Level: "info"},
	}
}

// ShowDocs reports whether /docs and /openapi.json are served: by server.docs
// or, if that is empty, in development only.
func (s Settings) ShowDocs() bool {
	if s.Server.Docs != nil {
		return *s.Server.Docs
	}
	return s.Environment == Development
}

// Size is a number of bytes, written as 1MiB in the settings.
type Size int64

// Units of Size.
const (
	KiB = 1 << 10
	MiB = 1 << 20
)

// Secret prints as stars, so that no log or error can show it.
type Secret string

func (s Secret) String() string { return "********" }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Bytes returns the secret itself.
func (s Secret) Bytes() []byte { return []byte(s) }

// PrivateKey signs access tokens. It prints like a Secret.
type PrivateKey struct{ crypto.Signer }

// Format hides the key from every verb of fmt.
func (PrivateKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, Secret("")) }

// MarshalText hides the key from encoders.
func (PrivateKey) MarshalText() ([]byte, error) { return Secret("").MarshalText() }
