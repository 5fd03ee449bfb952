package token

import (
	"crypto"
	"fmt"
	"time"

	"example.com/latchkey/kit/settings"
)

// Settings are the settings of access tokens.
type Settings struct {
	Secret           settings.Secret   `mapstructure:"secret"`
	PreviousSecrets  []settings.Secret `mapstructure:"previous_secrets"`
	Algorithm        string            `mapstructure:"algorithm"`
	KeyFile          string            `mapstructure:"key_file"`
	PreviousKeyFiles []string          `mapstructure:"previous_key_files"`
	Issuer           string            `mapstructure:"issuer"`
	Audience         string            `mapstructure:"audience"`
	AccessTTL        time.Duration     `mapstructure:"access_ttl"`
	MaxRemembered    int               `mapstructure:"max_remembered"` // the tokens that are cached

	// The content of the key files; of the previous ones only the public keys.
	Key          PrivateKey         `mapstructure:"-"`
	PreviousKeys []crypto.PublicKey `mapstructure:"-"`
}

// Defaults returns the settings of HS256. They have no secret, issuer or audience.
func Defaults() Settings {
	return Settings{Algorithm: HS256, AccessTTL: 15 * time.Minute, MaxRemembered: 50_000}
}

// Secrets returns the current secret, which signs, and then the previous ones.
func (s Settings) Secrets() []settings.Secret {
	return append([]settings.Secret{s.Secret}, s.PreviousSecrets...)
}

// Check adds the faults of the settings, and reads the key files. advice is how to make a
// secret. The program checks whether there is one.
func (s *Settings) Check(f settings.Section, advice string) {
	f.Lifetime("access_ttl", s.AccessTTL)
	f.AtLeast("max_remembered", s.MaxRemembered, 1, "to cache nothing, set jwt.revocation_lag to 0")
	if s.Issuer == "" || s.Audience == "" {
		f.Add("issuer and jwt.audience", "neither may be empty: name this service")
	}
	s.loadKeys(f)
	if s.Secret != "" {
		f.Strength("secret", s.Secret, advice)
	}
	for i, secret := range s.PreviousSecrets {
		f.Strength(fmt.Sprintf("previous_secrets[%d]", i), secret, "remove it")
	}
}

// PrivateKey signs access tokens. It prints like a Secret.
type PrivateKey struct{ crypto.Signer }

// Format hides the key from every verb of fmt.
func (PrivateKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, settings.Secret("")) }

// MarshalText hides the key from encoders.
func (PrivateKey) MarshalText() ([]byte, error) { return settings.Secret("").MarshalText() }
