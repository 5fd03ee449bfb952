package auth

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

	"example.com/latchkey/config"
	"example.com/latchkey/problem"
)

// slowHasher is a Hasher whose hash of cost c is 2^c units of work, and takes
// as many milliseconds of the bubble's clock.
type slowHasher struct {
	mu                   sync.Mutex
	units, running, most int
}

func (h *slowHasher) hasher() Hasher {
	return Hasher{
		Generate: func(password []byte, cost int) ([]byte, error) {
			h.work(cost)
			return []byte(hashed(string(password), cost)), nil
		},
		Compare: func(hash, password []byte) error {
			cost, err := bcrypt.Cost(hash)
			if err != nil {
				return err
			}
			h.work(cost)
			if string(hash) != hashed(string(password), cost) {
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

func (h *slowHasher) count(more, units int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running += more
	h.units += units
	h.most = max(h.most, h.running)
}

func hashed(password string, cost int) string { return fmt.Sprintf("$2a$%02d$%053s", cost, password) }

// cost takes 1024 ms of a slowHasher's.
const (
	cost   = 10
	aHash  = 1024 * time.Millisecond
	wrong  = Password("wrong horse")
	right  = Password("correct horse")
	noUser = ""
)

func slowPasswords(cores int, maxWait time.Duration) (*Passwords, *slowHasher) {
	h := new(slowHasher)
	return NewPasswords(config.Password{BcryptCost: cost, MinLength: 8, MaxWait: maxWait}, cores, h.hasher()), h
}

func TestEveryVerificationIsTheSameWork(t *testing.T) {
	for claim, c := range map[string]struct {
		hash     string
		password Password
		right    bool
	}{
		"of an unknown user":                   {noUser, wrong, false},
		"of a wrong password":                  {hashed(string(right), cost), wrong, false},
		"of the right password":                {hashed(string(right), cost), right, true},
		"of a wrong password, cost one lower":  {hashed(string(right), cost-1), wrong, false},
		"of the right password, cost lower":    {hashed(string(right), cost-1), right, true},
		"of a wrong password, the lowest cost": {hashed(string(right), bcrypt.MinCost), wrong, false},
	} {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				passwords, h := slowPasswords(1, time.Minute)
				is, err := passwords.Verify(t.Context(), c.hash, c.password)
				if is != c.right || err != nil || h.units != 1<<cost {
					t.Errorf("%t, %v, %d units of work, want %t and %d", is, err, h.units, c.right, 1<<cost)
				}
			})
		})
	}
}

func TestAfterAHashOfAHigherCostEveryVerificationIsItsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, h := slowPasswords(1, time.Minute)
		for _, hash := range []string{hashed(string(right), cost+2), noUser, hashed(string(right), cost), hashed(string(right), cost-1), hashed(string(right), cost+2)} {
			h.units = 0
			if _, err := passwords.Verify(t.Context(), hash, wrong); err != nil || h.units != 1<<(cost+2) {
				t.Errorf("%q: %d units of work, want %d, %v", hash, h.units, 1<<(cost+2), err)
			}
		}
	})
}

func TestANewHashIsOfTheSettingsCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, h := slowPasswords(1, time.Minute)
		_, _ = passwords.Verify(t.Context(), hashed(string(right), cost+1), right)
		h.units = 0
		hash, err := passwords.Hash(t.Context(), "password", right)
		if hash != hashed(string(right), cost) || err != nil || h.units != 1<<cost {
			t.Errorf("%s, %v, %d units of work", hash, err, h.units)
		}
	})
}

// With another error bcrypt would have done no work.
func TestBcryptComparesADecoyToItsEnd(t *testing.T) {
	if err := Bcrypt().Compare([]byte(decoy(bcrypt.MinCost)), []byte("x")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Error(err)
	}
}

// login is one of many verifications, and what became of it.
type login struct {
	err   error
	after time.Duration
}

// storm makes so many logins at once, in their order, and waits for their end.
func storm(ctx context.Context, passwords *Passwords, logins int) []login {
	return begin(ctx, passwords, logins)()
}

// begin is storm's beginning, and gives what waits for the end.
func begin(ctx context.Context, passwords *Passwords, logins int) (wait func() []login) {
	ends := make([]login, logins)
	var all sync.WaitGroup
	for i := range ends {
		start := time.Now()
		all.Go(func() {
			_, err := passwords.Verify(ctx, noUser, wrong)
			ends[i] = login{err, time.Since(start)}
		})
		synctest.Wait() // it runs, waits or is refused
	}
	return func() []login {
		all.Wait()
		return ends
	}
}

func TestLoginsTakeTurnsInTheOrderInWhichTheyCame(t *testing.T) {
	for _, cores := range []int{1, 2, 7} {
		t.Run(fmt.Sprint(cores, " at a time"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				passwords, h := slowPasswords(cores, time.Hour)
				for i, login := range storm(t.Context(), passwords, 20) {
					if want := time.Duration(1+i/cores) * aHash; login.err != nil || login.after != want {
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

// Until a hash has ended nobody knows how long the queue is.
func TestWhoHasWaitedForMaxWaitIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const maxWait = aHash * 3 / 2
		passwords, _ := slowPasswords(2, maxWait)
		for i, login := range storm(t.Context(), passwords, 9) {
			switch {
			case i < 4:
				if login.err != nil {
					t.Errorf("login %d: %v", i, login.err)
				}
			case login.after != maxWait || retryAfter(login.err) != maxWait:
				t.Errorf("login %d: %v after %v, to be tried again after %v", i, login.err, login.after, retryAfter(login.err))
			}
		}
	})
}

func TestWhoWouldWaitTooLongIsRefusedAtOnceAndToldForHowLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cores, maxWait = 2, aHash * 21 / 4 // 5 hashes and a bit
		passwords, h := slowPasswords(cores, maxWait)
		storm(t.Context(), passwords, 1) // from now on it knows how long a hash takes
		const accepted, back = cores + 5*cores, 11 * aHash / cores
		wait := begin(t.Context(), passwords, 100)
		time.Sleep(back)
		again := begin(t.Context(), passwords, 1)
		for i, login := range wait() {
			if want := time.Duration(1+i/cores) * aHash; i < accepted && (login.err != nil || login.after != want) {
				t.Errorf("login %d: %v after %v, want none after %v", i, login.err, login.after, want)
			}
			if i >= accepted && (login.after != 0 || retryAfter(login.err) != back) {
				t.Errorf("login %d: %v after %v, to be tried again after %v, want %v", i, login.err, login.after, retryAfter(login.err), back)
			}
		}
		// The last ones of the queue are half done by then.
		if login := again()[0]; login.err != nil || login.after != aHash*3/2 {
			t.Errorf("tried again as told: %v after %v", login.err, login.after)
		}
		if want := (1 + accepted + 1) << cost; h.units != want {
			t.Errorf("%d units of work, want %d", h.units, want)
		}
	})
}

// retryAfter is how long a refusal tells to wait, 0 where the error is another.
func retryAfter(err error) time.Duration {
	var refused *problem.Problem
	if !errors.As(err, &refused) || !errors.Is(err, problem.Overloaded) {
		return 0
	}
	return refused.RetryAfter
}

func TestWhoHangsUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, h := slowPasswords(1, time.Hour)
		storm(t.Context(), passwords, 1)
		h.units = 0
		first := begin(t.Context(), passwords, 1)
		ctx, hangUp := context.WithCancel(t.Context())
		gone := begin(ctx, passwords, 60)
		time.Sleep(aHash / 2)
		hangUp()
		for i, login := range gone() {
			if !errors.Is(login.err, context.Canceled) || login.after != aHash/2 {
				t.Errorf("login %d: %v after %v", i, login.err, login.after)
			}
		}
		if next := storm(t.Context(), passwords, 1)[0]; next.err != nil || next.after != aHash*3/2 {
			t.Errorf("the next login: %v after %v", next.err, next.after)
		}
		if first()[0].err != nil || h.units != 2<<cost {
			t.Errorf("the first login: %v; %d units of work in all", first()[0].err, h.units)
		}
		if pending := passwords.turns.pending.Load(); pending != 0 {
			t.Errorf("%d are still counted", pending)
		}
	})
}

func TestHashesAreQueuedAsVerificationsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, h := slowPasswords(1, 2*aHash)
		var all sync.WaitGroup
		took := make([]time.Duration, 2)
		for i := range took {
			start := time.Now()
			all.Go(func() {
				if _, err := passwords.Hash(t.Context(), "password", right); err != nil {
					t.Error(err)
				}
				took[i] = time.Since(start)
			})
		}
		all.Wait()
		if slices.Sort(took); !slices.Equal(took, []time.Duration{aHash, 2 * aHash}) || h.most != 1 {
			t.Errorf("took %v, %d at a time", took, h.most)
		}
	})
}
