// Package password checks, hashes and verifies passwords (bcrypt), so that many logins do
// not delay other requests.
package password

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"example.com/latchkey/kit/problem"
)

// maxPassword is what bcrypt reads of a password, in bytes.
const maxPassword = 72

// Password is a password as a client sent it, in NFC: the same characters typed on
// two keyboards are then the same bytes. It prints as stars.
type Password string

var errPasswordTooLong = fmt.Errorf("must have at most %d bytes", maxPassword)

// UnmarshalText refuses a password that bcrypt would not read in full. NFC makes a
// text at most 3.5 times shorter, so one that is more than 4 times too long is
// refused without the work of NFC.
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

// JSONSchemaBytes describes a password in the OpenAPI document.
func (Password) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":"string","format":"password","maxLength":72,"examples":["correct horse"]}`), nil
}

// Hasher is bcrypt, or the replacement of a test, with the format of bcrypt's hashes
// and with bcrypt's errors.
type Hasher struct {
	Generate func(password []byte, cost int) (hash []byte, err error)
	Compare  func(hash, password []byte) error
}

// Bcrypt returns bcrypt itself.
func Bcrypt() Hasher {
	return Hasher{Generate: bcrypt.GenerateFromPassword, Compare: bcrypt.CompareHashAndPassword}
}

// Passwords hashes passwords, and verifies them in the same time for every user.
type Passwords struct {
	settings Settings
	hasher   Hasher
	queue    *hashQueue
	highest  atomic.Int64 // the highest cost of the setting and of all verified hashes
}

// New makes Passwords from settings that Check accepts. It hashes at
// most one password on each core at a time.
func New(settings Settings, cores int, hasher Hasher) *Passwords {
	queue := &hashQueue{cores: cores, maxWait: settings.MaxWait, turns: newTurns()}
	p := &Passwords{settings: settings, hasher: hasher, queue: queue}
	p.highest.Store(int64(settings.BcryptCost))
	return p
}

// Rule is a rule of the program for new passwords: it returns what a password must not be,
// or "". It may be nil.
type Rule func(Password) (fault string)

// Hash hashes a new password. The error is validation_failed on field for what Check finds,
// overloaded if the wait would exceed password.max_wait, or ctx's.
func (p *Passwords) Hash(ctx context.Context, field string, password Password, own Rule) (hash string, err error) {
	if faults := p.Check(field, password, own); len(faults) > 0 {
		return "", problem.Invalid(faults...)
	}
	return p.Rehash(ctx, password)
}

// Check returns the rule that a new password breaks, with the name of its field: it is
// too short, one of the most common passwords, or refused by the program's own rule.
func (p *Passwords) Check(field string, password Password, own Rule) []problem.FieldError {
	message := ""
	switch {
	case utf8.RuneCountInString(string(password)) < p.settings.MinLength:
		message = fmt.Sprintf("must have at least %d characters", p.settings.MinLength)
	case p.settings.Blocklist && isCommon(strings.ToLower(string(password))):
		message = "must not be one of the most common passwords"
	case p.settings.Blocklist && own != nil:
		message = own(password)
	}
	if message == "" {
		return nil
	}
	return []problem.FieldError{{Field: field, Message: message}}
}

// Rehash hashes a password that is already in use, even if it is too short.
func (p *Passwords) Rehash(ctx context.Context, password Password) (hash string, err error) {
	var generated []byte
	err = p.queue.run(ctx, func() error { return nil }, func() (err error) {
		generated, err = p.hasher.Generate([]byte(password), p.settings.BcryptCost)
		return err
	})
	return string(generated), err
}

// Verify reports whether a password is the one of the hash that find returns. An empty
// hash (for an unknown user) matches no password, and takes as long as any other. The
// error is overloaded if the wait would exceed password.max_wait (at once and without
// find, if that is known before), find's, or ctx's.
func (p *Passwords) Verify(ctx context.Context, password Password, find func() (hash string, err error)) (bool, error) {
	var hash string
	prepare := func() (err error) {
		hash, err = find()
		return err
	}
	err := p.queue.run(ctx, prepare, func() error {
		return p.compare([]byte(cmp.Or(hash, dummyHash(p.settings.BcryptCost))), []byte(password))
	})
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return hash != "" && err == nil, err
}

// compare does the same work for every hash, so that its time does not show whether
// a user exists. A hash of cost c takes work of 2^c. With one dummy hash of each
// cost from c to highest-1, the sum is 2^highest.
func (p *Passwords) compare(hash, password []byte) error {
	cost, err := bcrypt.Cost(hash)
	if err != nil {
		return err
	}
	highest := p.raiseHighest(int64(cost))
	err = p.hasher.Compare(hash, password)
	for ; cost < highest; cost++ {
		_ = p.hasher.Compare([]byte(dummyHash(cost)), password)
	}
	return err
}

// raiseHighest returns the highest cost, including this one.
func (p *Passwords) raiseHighest(cost int64) int {
	highest := p.highest.Load()
	for cost > highest && !p.highest.CompareAndSwap(highest, cost) {
		highest = p.highest.Load()
	}
	return int(max(cost, highest))
}

// dummyHash is a hash that no password has.
func dummyHash(cost int) string {
	return fmt.Sprintf("$2a$%02d$NoPasswordHasThisHashOfItsOwnu7sK0mVq2yWzXcBnMaSdFgHjK", cost)
}

// Outdated reports whether hash has another cost than password.bcrypt_cost.
func (p *Passwords) Outdated(hash string) bool {
	cost, err := bcrypt.Cost([]byte(hash))
	return err == nil && cost != p.settings.BcryptCost
}

// Load returns how many hashes run and wait now, and how many were refused because of
// password.max_wait since the start.
func (p *Passwords) Load() (running, waiting int, refused int64) {
	q := p.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, q.turns.all.requests, q.refused.Load()
}
