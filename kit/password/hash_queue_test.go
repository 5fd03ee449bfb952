package password

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"example.com/latchkey/kit/problem"
)

// slowHasher makes a Hasher in which a hash of cost c is 2^c units of work, and takes
// 2^c milliseconds of synctest's clock.
type slowHasher struct {
	mu                   sync.Mutex
	units, running, most int
}

func (h *slowHasher) hasher() Hasher {
	return Hasher{
		Generate: func(password []byte, cost int) ([]byte, error) {
			h.work(cost)
			return []byte(fakeHash(string(password), cost)), nil
		},
		Compare: func(hash, password []byte) error {
			cost, err := bcrypt.Cost(hash)
			if err != nil {
				return err
			}
			h.work(cost)
			if string(hash) != fakeHash(string(password), cost) {
				return bcrypt.ErrMismatchedHashAndPassword
			}
			return nil
		},
	}
}

func (h *slowHasher) work(cost int) {
	h.count(1, 0)
	time.Sleep((1 << cost) * time.Millisecond)
	h.count(-1, 1<<cost)
}

func (h *slowHasher) count(started, units int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running += started
	h.units += units
	h.most = max(h.most, h.running)
}

func fakeHash(password string, cost int) string { return fmt.Sprintf("$2a$%02d$%053s", cost, password) }

// found is the result of a search for a user's hash.
func found(hash string) func() (string, error) {
	return func() (string, error) { return hash, nil }
}

// A hash of this cost takes hashTime with a slowHasher.
const (
	cost     = 10
	hashTime = 1024 * time.Millisecond
	wrong    = Password("wrong horse")
	right    = Password("correct horse")
	noUser   = ""
)

func slowPasswords(cores int, maxWait time.Duration) (*Passwords, *slowHasher) {
	h := new(slowHasher)
	return New(Settings{BcryptCost: cost, MinLength: 8, MaxWait: maxWait}, cores, h.hasher()), h
}

func TestEveryVerificationTakesTheSameWork(t *testing.T) {
	for claim, c := range map[string]struct {
		hash     string
		password Password
		right    bool
	}{
		"of an unknown user":                   {noUser, wrong, false},
		"of a wrong password":                  {fakeHash(string(right), cost), wrong, false},
		"of the right password":                {fakeHash(string(right), cost), right, true},
		"of a wrong password, cost one lower":  {fakeHash(string(right), cost-1), wrong, false},
		"of the right password, cost lower":    {fakeHash(string(right), cost-1), right, true},
		"of a wrong password, the lowest cost": {fakeHash(string(right), bcrypt.MinCost), wrong, false},
	} {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				passwords, h := slowPasswords(1, time.Minute)
				matches, err := passwords.Verify(t.Context(), c.password, found(c.hash))
				if matches != c.right || err != nil || h.units != 1<<cost {
					t.Errorf("%t, %v, %d units of work, want %t and %d", matches, err, h.units, c.right, 1<<cost)
				}
			})
		})
	}
}

func TestAHashOfAHigherCostRaisesTheWorkOfAllVerifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, h := slowPasswords(1, time.Minute)
		for _, hash := range []string{fakeHash(string(right), cost+2), noUser, fakeHash(string(right), cost), fakeHash(string(right), cost-1), fakeHash(string(right), cost+2)} {
			h.units = 0
			if _, err := passwords.Verify(t.Context(), wrong, found(hash)); err != nil || h.units != 1<<(cost+2) {
				t.Errorf("%q: %d units of work, want %d, %v", hash, h.units, 1<<(cost+2), err)
			}
		}
	})
}

// anything is no rule of a program.
func anything(Password) string { return "" }

func TestANewHashHasTheCostOfTheSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, h := slowPasswords(1, time.Minute)
		_, _ = passwords.Verify(t.Context(), right, found(fakeHash(string(right), cost+1)))
		h.units = 0
		hash, err := passwords.Hash(t.Context(), "password", right, anything)
		if hash != fakeHash(string(right), cost) || err != nil || h.units != 1<<cost {
			t.Errorf("%s, %v, %d units of work", hash, err, h.units)
		}
	})
}

// With any other error, bcrypt would have done no work.
func TestBcryptComparesADummyHashInFull(t *testing.T) {
	if err := Bcrypt().Compare([]byte(dummyHash(bcrypt.MinCost)), []byte("x")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Error(err)
	}
}

// login is the result of one of many verifications.
type login struct {
	err   error
	after time.Duration
}

// loginAll starts so many logins, one after another, and waits for their results.
func loginAll(ctx context.Context, passwords *Passwords, logins int) []login {
	return startLogins(ctx, passwords, logins)()
}

// startLogins starts logins; wait returns their results.
func startLogins(ctx context.Context, passwords *Passwords, logins int) (wait func() []login) {
	results := make([]login, logins)
	var all sync.WaitGroup
	for i := range results {
		start := time.Now()
		all.Go(func() {
			_, err := passwords.Verify(ctx, wrong, found(noUser))
			results[i] = login{err, time.Since(start)}
		})
		synctest.Wait() // until it runs, waits or is refused
	}
	return func() []login {
		all.Wait()
		return results
	}
}

func TestLoginsAreHashedInTheirOrder(t *testing.T) {
	for _, cores := range []int{1, 2, 7} {
		t.Run(fmt.Sprint(cores, " at a time"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				passwords, h := slowPasswords(cores, time.Hour)
				for i, login := range loginAll(t.Context(), passwords, 20) {
					if want := time.Duration(1+i/cores) * hashTime; login.err != nil || login.after != want {
						t.Errorf("login %d took %v, want %v, %v", i, login.after, want, login.err)
					}
				}
				if h.most != cores || h.units != 20<<cost {
					t.Errorf("%d at a time, %d units of work", h.most, h.units)
				}
			})
		})
	}
}

// How long the queue takes is unknown until a hash has ended.
func TestALoginIsRefusedAfterMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const maxWait = hashTime * 3 / 2
		passwords, _ := slowPasswords(2, maxWait)
		for i, login := range loginAll(t.Context(), passwords, 9) {
			switch {
			case i < 4:
				if login.err != nil {
					t.Errorf("login %d: %v", i, login.err)
				}
			case login.after != maxWait || retryAfter(login.err) != maxWait:
				t.Errorf("login %d: %v after %v, Retry-After %v", i, login.err, login.after, retryAfter(login.err))
			}
		}
	})
}

func TestALoginThatWouldWaitTooLongIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cores, maxWait = 2, hashTime * 21 / 4 // a little more than 5 hashes
		passwords, h := slowPasswords(cores, maxWait)
		loginAll(t.Context(), passwords, 1) // now the queue knows how long a hash takes
		const accepted, retry = cores + 5*cores, 11 * hashTime / cores
		wait := startLogins(t.Context(), passwords, 100)
		time.Sleep(retry)
		waitRetry := startLogins(t.Context(), passwords, 1)
		for i, login := range wait() {
			if want := time.Duration(1+i/cores) * hashTime; i < accepted && (login.err != nil || login.after != want) {
				t.Errorf("login %d: error %v after %v, want no error after %v", i, login.err, login.after, want)
			}
			if i >= accepted && (login.after != 0 || retryAfter(login.err) != retry) {
				t.Errorf("login %d: %v after %v, Retry-After %v, want %v", i, login.err, login.after, retryAfter(login.err), retry)
			}
		}
		// By then, the last logins of the queue are half done.
		if login := waitRetry()[0]; login.err != nil || login.after != hashTime*3/2 {
			t.Errorf("the retry after Retry-After: %v after %v", login.err, login.after)
		}
		if want := (1 + accepted + 1) << cost; h.units != want {
			t.Errorf("%d units of work, want %d", h.units, want)
		}
	})
}

// retryAfter returns the Retry-After of overloaded, and 0 for any other error.
func retryAfter(err error) time.Duration {
	var refused *problem.Problem
	if !errors.As(err, &refused) || !errors.Is(err, problem.Overloaded) {
		return 0
	}
	return refused.RetryAfter
}

func TestACanceledLoginLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, h := slowPasswords(1, time.Hour)
		loginAll(t.Context(), passwords, 1)
		h.units = 0
		first := startLogins(t.Context(), passwords, 1)
		ctx, cancel := context.WithCancel(t.Context())
		canceled := startLogins(ctx, passwords, 60)
		time.Sleep(hashTime / 2)
		cancel()
		for i, login := range canceled() {
			if !errors.Is(login.err, context.Canceled) || login.after != hashTime/2 {
				t.Errorf("login %d: %v after %v", i, login.err, login.after)
			}
		}
		if next := loginAll(t.Context(), passwords, 1)[0]; next.err != nil || next.after != hashTime*3/2 {
			t.Errorf("the next login: %v after %v", next.err, next.after)
		}
		if first()[0].err != nil || h.units != 2<<cost {
			t.Errorf("the first login: %v; %d units of work in all", first()[0].err, h.units)
		}
		if q := passwords.queue; q.running != 0 || q.turns.all.requests != 0 || len(q.turns.all.waiters) != 0 {
			t.Errorf("%d run, and %d in %d networks wait", q.running, q.turns.all.requests, len(q.turns.all.waiters))
		}
	})
}

func TestNewHashesAreQueuedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, h := slowPasswords(1, 2*hashTime)
		var all sync.WaitGroup
		took := make([]time.Duration, 2)
		for i := range took {
			start := time.Now()
			all.Go(func() {
				if _, err := passwords.Hash(t.Context(), "password", right, anything); err != nil {
					t.Error(err)
				}
				took[i] = time.Since(start)
			})
		}
		all.Wait()
		if slices.Sort(took); !slices.Equal(took, []time.Duration{hashTime, 2 * hashTime}) || h.most != 1 {
			t.Errorf("took %v, %d at a time", took, h.most)
		}
	})
}
