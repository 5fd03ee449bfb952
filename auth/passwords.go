package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/semaphore"
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

// Passwords hashes passwords with bcrypt, as many at a time as there are
// cores: more would end no sooner and would stall every other request.
type Passwords struct {
	settings config.Password
	decoy    string
	cores    int64
	turns    *semaphore.Weighted // hands out turns in the order they were asked for
	asked    atomic.Int64        // how many have a turn or wait for one
	took     atomic.Int64        // the time of a hash, in nanoseconds, as of late
}

// NewPasswords makes Passwords from settings that config has checked. It takes
// GOMAXPROCS for the number of cores.
func NewPasswords(settings config.Password) *Passwords {
	cores := int64(runtime.GOMAXPROCS(0))
	return &Passwords{
		settings: settings,
		cores:    cores,
		turns:    semaphore.NewWeighted(cores),
		decoy:    fmt.Sprintf("$2a$%02d$NoPasswordHasThisHashOfItsOwnu7sK0mVq2yWzXcBnMaSdFgHjK", settings.BcryptCost),
	}
}

// Hash hashes a new password. The error is validation_failed on field where
// the password is too short, overloaded where no turn came in time, or ctx's.
func (p *Passwords) Hash(ctx context.Context, field string, password Password) (hash string, err error) {
	if utf8.RuneCountInString(string(password)) < p.settings.MinLength {
		return "", problem.Field(field, fmt.Sprintf("must have at least %d characters", p.settings.MinLength))
	}
	return p.Rehash(ctx, password)
}

// Rehash hashes a password that is in use already, however short.
func (p *Passwords) Rehash(ctx context.Context, password Password) (hash string, err error) {
	var made []byte
	err = p.inTurn(ctx, func() (err error) {
		made, err = bcrypt.GenerateFromPassword([]byte(password), p.settings.BcryptCost)
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
		hash = p.decoy
	}
	err := p.inTurn(ctx, func() error { return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) })
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return known && err == nil, err
}

// Outdated reports whether hash was made at another cost than today's.
func (p *Passwords) Outdated(hash string) bool {
	cost, err := bcrypt.Cost([]byte(hash))
	return err == nil && cost != p.settings.BcryptCost
}

// inTurn hashes when its turn has come, aside from all other work.
func (p *Passwords) inTurn(ctx context.Context, hash func() error) (err error) {
	ahead := p.asked.Add(1) - p.cores
	defer p.asked.Add(-1)
	// Who would wait in vain is told at once, and when the queue will have passed.
	if wait := time.Duration(ahead * p.took.Load() / p.cores); wait > p.settings.MaxWait {
		return problem.Overloaded.After(wait)
	}
	wait, cancel := context.WithTimeout(ctx, p.settings.MaxWait)
	defer cancel()
	if p.turns.Acquire(wait, 1) != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		return problem.Overloaded.After(p.settings.MaxWait)
	}
	defer p.turns.Release(1)
	aside(func() {
		begun := time.Now()
		err = hash()
		took := int64(time.Since(begun))
		p.took.Store((3*cmp.Or(p.took.Load(), took) + took) / 4) // the first stands for those before it
	})
	return err
}
