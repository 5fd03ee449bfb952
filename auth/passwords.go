package auth

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"example.com/latchkey/config"
	"example.com/latchkey/problem"
)

// maxPassword is what bcrypt reads, in bytes; it compares no further.
const maxPassword = 72

// Password is a password as a client sent it, in NFC, so that the same word
// typed on two keyboards is the same bytes. It prints as stars.
type Password string

var errPasswordTooLong = fmt.Errorf("must have at most %d bytes", maxPassword)

// UnmarshalText refuses what bcrypt would not read to its end. NFC makes a text
// at most 3.5 times shorter, so what is over 4 times as long need not be normalised.
func (p *Password) UnmarshalText(text []byte) error {
	if len(text) > 4*maxPassword {
		return errPasswordTooLong
	}
	*p = Password(norm.NFC.Bytes(text))
	if len(*p) > maxPassword {
		return errPasswordTooLong
	}
	return nil
}

func (p Password) String() string { return "********" }

// GoString hides the password from %#v.
func (p Password) GoString() string { return p.String() }

// MarshalText hides the password from encoders.
func (p Password) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// JSONSchemaBytes describes a password in the document.
func (Password) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","format":"password","maxLength":72,"examples":["correct horse"]}`), nil
}

// Hasher is bcrypt, or what a test puts in its place: its hashes have bcrypt's
// format, and its errors are bcrypt's.
type Hasher struct {
	Generate func(password []byte, cost int) (hash []byte, err error)
	Compare  func(hash, password []byte) error
}

// Bcrypt gives bcrypt itself.
func Bcrypt() Hasher {
	return Hasher{Generate: bcrypt.GenerateFromPassword, Compare: bcrypt.CompareHashAndPassword}
}

// Passwords hashes passwords, and verifies them in the same time for every user.
type Passwords struct {
	settings config.Password
	hasher   Hasher
	turns    *turns
	highest  atomic.Int64 // the highest cost of the setting and of all hashes that were verified
}

// NewPasswords makes Passwords from settings that config has checked. It
// hashes as many passwords at a time as there are cores.
func NewPasswords(settings config.Password, cores int, hasher Hasher) *Passwords {
	p := &Passwords{settings: settings, hasher: hasher, turns: newTurns(cores, settings.MaxWait)}
	p.highest.Store(int64(settings.BcryptCost))
	return p
}

// Hash hashes a new password. The error is validation_failed on field where
// the password is too short, overloaded where no turn came in time, or ctx's.
func (p *Passwords) Hash(ctx context.Context, field string, password Password) (hash string, err error) {
	if faults := p.Check(field, password); len(faults) > 0 {
		return "", problem.Invalid(faults...)
	}
	return p.Rehash(ctx, password)
}

// Check gives the rules that a new password breaks, under the name of its field.
func (p *Passwords) Check(field string, password Password) []problem.FieldError {
	if utf8.RuneCountInString(string(password)) < p.settings.MinLength {
		return []problem.FieldError{{Field: field, Message: fmt.Sprintf("must have at least %d characters", p.settings.MinLength)}}
	}
	return nil
}

// Rehash hashes a password that is in use already, however short.
func (p *Passwords) Rehash(ctx context.Context, password Password) (hash string, err error) {
	var made []byte
	err = p.turns.run(ctx, func() (err error) {
		made, err = p.hasher.Generate([]byte(password), p.settings.BcryptCost)
		return err
	})
	return string(made), err
}

// Verify reports whether hash is password's. An empty hash, an unknown user's,
// takes as long as any other and is nobody's. The error is overloaded where no
// turn came in time, or ctx's.
func (p *Passwords) Verify(ctx context.Context, hash string, password Password) (bool, error) {
	known := hash != ""
	if !known {
		hash = decoy(p.settings.BcryptCost)
	}
	err := p.turns.run(ctx, func() error { return p.compare([]byte(hash), []byte(password)) })
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return known && err == nil, err
}

// compare does the same work for every hash, so that its time does not tell
// whether a user is known: a hash of cost c is work of 2^c, and with one decoy
// of each cost from c to the highest less one it adds up to 2^highest.
func (p *Passwords) compare(hash, password []byte) error {
	cost, err := bcrypt.Cost(hash)
	if err != nil {
		return err
	}
	highest := p.raise(int64(cost))
	err = p.hasher.Compare(hash, password)
	for ; cost < highest; cost++ {
		_ = p.hasher.Compare([]byte(decoy(cost)), password)
	}
	return err
}

// raise gives the highest cost, this one included.
func (p *Passwords) raise(cost int64) int {
	for {
		highest := p.highest.Load()
		if cost <= highest {
			return int(highest)
		}
		p.highest.CompareAndSwap(highest, cost)
	}
}

// decoy is a hash that no password has.
func decoy(cost int) string {
	return fmt.Sprintf("$2a$%02d$NoPasswordHasThisHashOfItsOwnu7sK0mVq2yWzXcBnMaSdFgHjK", cost)
}

// Outdated reports whether hash was made at another cost than today's.
func (p *Passwords) Outdated(hash string) bool {
	cost, err := bcrypt.Cost([]byte(hash))
	return err == nil && cost != p.settings.BcryptCost
}
