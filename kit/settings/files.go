package settings

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// minSecretBytes is the least length of an HS256 key (RFC 7518, section 3.2).
const minSecretBytes = 32

// NewSecret returns 256 random bits, in base64url.
func NewSecret() Secret {
	random := make([]byte, minSecretBytes)
	_, _ = rand.Read(random) // never returns an error
	return Secret(base64.RawURLEncoding.EncodeToString(random))
}

// ExplainWrite adds to a permission error of a file who may not write in which folder,
// and the command that allows it.
func ExplainWrite(err error, file string) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	folder := file
	for missing := err; missing != nil; _, missing = os.Stat(folder) {
		folder = filepath.Dir(folder)
	}
	return fmt.Errorf("%w: user %d may not write in the folder %s: run chown %d %s", err, os.Geteuid(), folder, os.Geteuid(), folder)
}

// Strength adds a fault for a secret that is too short, or that a person may have typed,
// with the advice that corrects it.
func (s Section) Strength(name string, secret Secret, advice string) {
	switch {
	case secret == "":
		s.Add(name, "is empty: %s", advice)
	case len(secret) < minSecretBytes:
		s.Add(name, "has %d bytes, fewer than %d: %s", len(secret), minSecretBytes, advice)
	case guessable(string(secret)):
		s.Add(name, "is a placeholder or repeats itself: %s", advice)
	}
}

// StoredSecret reads the secret in file, and makes one if the file is missing.
func StoredSecret(file string) (Secret, error) {
	secret := NewSecret().Bytes()
	// The secret is written to a temporary file first, and that file is linked:
	// two programs that start together get the same secret, and never half of it.
	temporary := file + "." + rand.Text()
	defer os.Remove(temporary)
	if err := WriteNew(temporary, secret); err != nil {
		return "", ExplainWrite(err, file)
	}
	err := os.Link(temporary, file)
	if err != nil && !errors.Is(err, fs.ErrExist) { // the file system has no hard links
		err = WriteNew(file, secret)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	stored, err := ReadFile(file)
	if err == nil && len(stored) == 0 {
		err = errors.New(file + " is empty: remove it")
	}
	return Secret(strings.TrimRight(string(stored), "\r\n")), err
}

// WriteNew writes a file that only its owner can read, and makes its folder. It does not
// overwrite a file, because its key may be in use: the error is then fs.ErrExist.
func WriteNew(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	made, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = made.Write(content)
	return errors.Join(err, made.Close())
}

// typed matches a word that a person writes where a secret belongs.
var typed = regexp.MustCompile(`(?i)secret|change[-_]?me|change ?this|placeholder|password|example|your[-_]|replace|123456789|abcdefghi`)

// guessable reports whether a secret looks typed by a person: it has a well-known
// word or few different bytes, or repeats one part.
func guessable(secret string) bool {
	for period := 1; period <= len(secret)/2; period++ {
		if strings.HasPrefix(secret, secret[period:]) {
			return true
		}
	}
	different := slices.Compact(slices.Sorted(slices.Values([]byte(secret))))
	return typed.MatchString(secret) || len(different) < 8
}
