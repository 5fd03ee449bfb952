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
	"time"
)

// minSecretBytes is the least length of an HS256 key (RFC 7518, section 3.2).
const minSecretBytes = 32

// developmentFile holds the secret that is made in development.
const developmentFile = "data/jwt_secret"

// makeOne is the advice for a missing or weak secret.
const makeOne = "set APP_JWT_SECRET, or APP_JWT_SECRET_FILE, to what `latchkey secret` prints"

// NewSecret returns 256 random bits, in base64url.
func NewSecret() Secret {
	random := make([]byte, minSecretBytes)
	_, _ = rand.Read(random) // never returns an error
	return Secret(base64.RawURLEncoding.EncodeToString(random))
}

func (f *Faults) checkSecret(s *Settings) {
	if s.JWT.Secret == "" && s.Environment == Development {
		if len(*f) > 0 {
			return // the program will not start, so write no file
		}
		secret, err := developmentSecret(developmentFile)
		if err != nil {
			f.add("jwt.secret: is not set, and a secret for development cannot be stored: %v; or %s", err, makeOne)
			return
		}
		s.JWT.Secret = secret
	}
	f.checkStrength("jwt.secret", s.JWT.Secret, makeOne)
	for i, secret := range s.JWT.PreviousSecrets {
		f.checkStrength(fmt.Sprintf("jwt.previous_secrets[%d]", i), secret, "remove it")
	}
}

func (f *Faults) checkStrength(key string, secret Secret, advice string) {
	switch {
	case secret == "":
		f.add("%s: is empty: %s", key, advice)
	case len(secret) < minSecretBytes:
		f.add("%s: has %d bytes, fewer than %d: %s", key, len(secret), minSecretBytes, advice)
	case guessable(string(secret)):
		f.add("%s: is a placeholder or repeats itself: %s", key, advice)
	}
}

// developmentSecret reads the secret in file, and makes one if the file is missing.
func developmentSecret(file string) (Secret, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	// Of programs that start together one makes the file, and the others wait until it
	// has its content. A hard link to a complete file would do, but not every file
	// system has them.
	made, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = made.Write(NewSecret().Bytes())
		err = errors.Join(err, made.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	var stored []byte
	for begun := time.Now(); ; time.Sleep(secretPause) {
		if stored, err = os.ReadFile(file); err != nil || len(stored) > 0 {
			return Secret(strings.TrimRight(string(stored), "\r\n")), err
		}
		if time.Since(begun) > secretLimit {
			return "", errors.New(file + " is empty: remove it")
		}
	}
}

// How long an empty file may be one that another program is about to write.
const (
	secretLimit = time.Second
	secretPause = 10 * time.Millisecond
)

// guessable reports whether a secret looks typed by a person: it has a well-known
// word or few different bytes, or repeats one part.
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
