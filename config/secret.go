package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// secretBytes is the least an HS256 key may have (RFC 7518, section 3.2).
const secretBytes = 32

// keptIn holds the secret that development makes for itself.
const keptIn = "data/jwt_secret"

const makeOne = "set APP_JWT_SECRET, or APP_JWT_SECRET_FILE, to what `latchkey secret` prints"

// NewSecret makes a secret of 256 random bits.
func NewSecret() Secret {
	random := make([]byte, secretBytes)
	_, _ = rand.Read(random) // it ends the program rather than fail
	return Secret(base64.RawURLEncoding.EncodeToString(random))
}

func (f *Faults) checkSecret(s *Settings) {
	if s.JWT.Secret == "" && s.Environment == Development {
		if len(*f) > 0 {
			return // nothing will start, so nothing is written
		}
		secret, err := developmentSecret(keptIn)
		if err != nil {
			f.add("jwt.secret: is not set, and development cannot keep one of its own: %v; else %s", err, makeOne)
			return
		}
		s.JWT.Secret = secret
	}
	f.checkStrength("jwt.secret", s.JWT.Secret, makeOne)
	for i, secret := range s.JWT.PreviousSecrets {
		f.checkStrength(fmt.Sprintf("jwt.previous_secrets[%d]", i), secret, "remove it")
	}
}

func (f *Faults) checkStrength(key string, secret Secret, cure string) {
	switch {
	case secret == "":
		f.add("%s: is empty: %s", key, cure)
	case len(secret) < secretBytes:
		f.add("%s: has %d bytes, fewer than %d: %s", key, len(secret), secretBytes, cure)
	case guessable(string(secret)):
		f.add("%s: is a placeholder or repeats itself: %s", key, cure)
	}
}

// developmentSecret reads the secret of file and makes it where there is none.
func developmentSecret(file string) (Secret, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	secret := NewSecret()
	// Written aside and then linked, so that two programs starting together
	// agree on one, and neither reads half of it.
	aside, err := os.CreateTemp(filepath.Dir(file), ".jwt_secret-") // 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(aside.Name())
	if _, err := aside.Write(secret.Bytes()); err != nil {
		return "", errors.Join(err, aside.Close())
	}
	if err := aside.Close(); err != nil {
		return "", err
	}
	if err := os.Link(aside.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	kept, err := os.ReadFile(file)
	if err == nil && len(kept) == 0 {
		err = errors.New(file + " is empty: remove it")
	}
	return Secret(strings.TrimRight(string(kept), "\r\n")), err
}

// guessable tells a secret that somebody typed: known words, few different
// bytes, or one piece over and over.
func guessable(secret string) bool {
	for _, word := range []string{"secret", "changeme", "change-me", "change_me", "change this", "changethis", "placeholder", "password", "example", "your-", "your_", "replace", "123456789", "abcdefghi"} {
		if strings.Contains(strings.ToLower(secret), word) {
			return true
		}
	}
	different := slices.Compact(slices.Sorted(slices.Values([]byte(secret))))
	for period := 1; period <= len(secret)/2; period++ {
		if strings.HasPrefix(secret, secret[period:]) {
			return true
		}
	}
	return len(different) < 8
}
