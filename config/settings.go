// Package config reads every setting once, checks it, and hands it out typed.
// No other package reads a file or the environment.
package config

import (
	"crypto"
	"fmt"
	"time"
)

// Settings is all an operator can set; config.yaml says what each does.
type Settings struct {
	Environment string   `mapstructure:"environment"`
	Server      Server   `mapstructure:"server"`
	Database    Database `mapstructure:"database"`
	JWT         JWT      `mapstructure:"jwt"`
	Password    Password `mapstructure:"password"`
	Log         Log      `mapstructure:"log"`

	Ignored []string `mapstructure:"-"` // the APP_ variables that are like no setting
}

// Server is how the API is reached.
type Server struct {
	Address         string        `mapstructure:"address"`
	BasePath        string        `mapstructure:"base_path"`
	TrustedProxies  []string      `mapstructure:"trusted_proxies"`
	CORSOrigins     []string      `mapstructure:"cors_origins"`
	CORSHeaders     []string      `mapstructure:"cors_headers"`
	MaxBody         Size          `mapstructure:"max_body"`
	MaxConnections  int           `mapstructure:"max_connections"`
	Docs            *bool         `mapstructure:"docs"`
	ShutdownDelay   time.Duration `mapstructure:"shutdown_delay"`
	ShutdownTimeout time.Duration `mapstructure:"shutdown_timeout"`
}

// Database is where the data lives.
type Database struct {
	URL     string `mapstructure:"url"`
	Migrate bool   `mapstructure:"migrate"`

	// Of PostgreSQL only.
	Pooled           bool          `mapstructure:"pooled"`
	MaxConnections   int           `mapstructure:"max_connections"`
	MaxIdleTime      time.Duration `mapstructure:"max_idle_time"`
	StatementTimeout time.Duration `mapstructure:"statement_timeout"`
	LockTimeout      time.Duration `mapstructure:"lock_timeout"`
}

// JWT is how tokens are signed, how long they live and how they end.
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

	// What the key files hold; of the previous ones only the public half.
	Key          PrivateKey         `mapstructure:"-"`
	PreviousKeys []crypto.PublicKey `mapstructure:"-"`
}

// Secrets are the current one, which signs, and the previous ones.
func (s JWT) Secrets() []Secret { return append([]Secret{s.Secret}, s.PreviousSecrets...) }

// Password is how passwords are hashed.
type Password struct {
	BcryptCost int           `mapstructure:"bcrypt_cost"`
	MinLength  int           `mapstructure:"min_length"`
	MaxWait    time.Duration `mapstructure:"max_wait"`
}

// Log is what is logged, and in which shape.
type Log struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"`
}

const (
	// Development is the environment that needs no setting.
	Development = "development"
	// Production refuses whatever is only good enough for development.
	Production = "production"
)

// Defaults are the settings where nothing is set; a test holds config.yaml to them.
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
		Password: Password{BcryptCost: 12, MinLength: 8, MaxWait: 5 * time.Second},
		Log:      Log{Level: "info"},
	}
}

// ShowDocs reports whether /docs and /openapi.json are served: as server.docs
// says, or else in development.
func (s Settings) ShowDocs() bool {
	if s.Server.Docs != nil {
		return *s.Server.Docs
	}
	return s.Environment == Development
}

// Size is a number of bytes, written like 1MiB.
type Size int64

// Sizes to count in.
const (
	KiB = 1 << 10
	MiB = 1 << 20
)

// Secret prints as a row of stars, so that no log or error can show it.
type Secret string

func (s Secret) String() string { return "********" }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Bytes is the secret itself, for the key it makes.
func (s Secret) Bytes() []byte { return []byte(s) }

// PrivateKey signs access tokens. It prints like a Secret.
type PrivateKey struct{ crypto.Signer }

// Format hides the key from every verb of fmt.
func (PrivateKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, Secret("")) }

// MarshalText hides the key from encoders.
func (PrivateKey) MarshalText() ([]byte, error) { return Secret("").MarshalText() }
