package password

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/problem"
)

// from is the context of a request from an address.
func from(t *testing.T, address string) context.Context {
	t.Helper()
	return client.With(t.Context(), client.Client{IP: address})
}

func TestTheLoginsOfOneClientDoNotDelayOthers(t *testing.T) {
	for claim, other := range map[string]string{
		"an IPv4 address":          "192.0.2.2",
		"another network of IPv6":  "2001:db8:0:1::1",
		"an IPv4 address in IPv6":  "::ffff:192.0.2.2",
		"a command of the program": "",
	} {
		for _, cores := range []int{1, 2, 7} {
			t.Run(fmt.Sprint(claim, " with ", cores, " cores"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					passwords, _ := slowPasswords(cores, 5*hashTime)
					loginAll(from(t, other), passwords, 1) // now the queue knows how long a hash takes, and that this one failed
					many := startLogins(from(t, "2001:db8::1"), passwords, 200)
					time.Sleep(hashTime / 2)
					if login := loginAll(from(t, other), passwords, 1)[0]; login.err != nil || login.after > 3*hashTime {
						t.Errorf("the login of the other: %v after %v", login.err, login.after)
					}
					many()
				})
			})
		}
	}
}

// Each of them has three logins in flight.
func TestTheLoginsOfManyAddressesDoNotDelayOthers(t *testing.T) {
	for claim, c := range map[string]struct {
		address string
		failed  bool
	}{
		"of the /64s of a /48":         {"2001:db8:0:%x::1", false},
		"of the addresses of a /24":    {"198.51.100.%d", false},
		"of networks that have failed": {"10.%d.0.1", true},
	} {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				passwords, _ := slowPasswords(2, 20*hashTime)
				loginAll(t.Context(), passwords, 1) // now the queue knows how long a hash takes
				var logins []func() []login
				for i := range 100 {
					if c.failed {
						loginAll(from(t, fmt.Sprintf(c.address, i)), passwords, 1)
					}
				}
				for i := range 100 {
					logins = append(logins, startLogins(from(t, fmt.Sprintf(c.address, i)), passwords, 3))
				}
				time.Sleep(hashTime / 2)
				for i := range 12 {
					honest := startLogins(from(t, fmt.Sprintf("192.0.%d.1", i)), passwords, 1)
					logins = append(logins, func() []login {
						if login := honest()[0]; login.err != nil {
							t.Errorf("login %d of the others: %v after %v", i, login.err, login.after)
						}
						return nil
					})
				}
				for _, wait := range logins {
					wait()
				}
			})
		})
	}
}

// Every second one of them has the right password.
func TestThoseWhoAskAgainAfterARefusalTakeNoTurnOfOthers(t *testing.T) {
	for _, cores := range []int{1, 2} {
		t.Run(fmt.Sprint(cores, " cores"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				passwords, h := slowPasswords(cores, 5*hashTime)
				crowd, stop := context.WithCancel(from(t, "192.0.2.1"))
				var all sync.WaitGroup
				for i := range 200 {
					all.Go(func() {
						for crowd.Err() == nil {
							_, err := passwords.Verify(crowd, right, found(fakeHash([]string{string(right), "another"}[i%2], cost)))
							if err != nil {
								time.Sleep(50 * time.Millisecond)
							}
						}
					})
				}
				time.Sleep(hashTime / 2)
				start, before := time.Now(), h.units
				for i := range 30 {
					start := time.Now()
					matches, err := passwords.Verify(from(t, "192.0.2.2"), right, found(fakeHash(string(right), cost)))
					if took := time.Since(start); !matches || err != nil || took > 3*hashTime {
						t.Errorf("login %d: %t, %v after %v", i, matches, err, took)
					}
				}
				if did, could := h.units-before, int(time.Since(start)/time.Millisecond)*cores; did < could-cores<<cost {
					t.Errorf("%d units of work, although %d were possible", did, could)
				}
				stop()
				all.Wait()
			})
		})
	}
}

func TestALoginThatEndsBeforeItsTurnGivesItBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, h := slowPasswords(1, time.Hour)
		throttled := func() {
			t.Helper()
			start := time.Now()
			_, err := passwords.Verify(t.Context(), wrong, func() (string, error) { return "", problem.TooManyAttempts })
			if took := time.Since(start); !errors.Is(err, problem.TooManyAttempts) || took != 0 {
				t.Errorf("%v after %v", err, took)
			}
		}
		throttled()
		first := startLogins(t.Context(), passwords, 1)
		throttled()
		next := loginAll(t.Context(), passwords, 1)[0]
		if first(); next.err != nil || next.after != 2*hashTime || h.units != 2<<cost {
			t.Errorf("the next login: %v after %v; %d units of work", next.err, next.after, h.units)
		}
	})
}
