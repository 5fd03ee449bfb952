package tests

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
)

const slowPassword = "a slow one"

// hashing is an API with one core, which hashes slowPassword until release is called. It
// calls next with each other password when its turn comes.
func hashing(t *testing.T, next func(password string), change ...func(*config.Settings)) (app *apptest.App, occupy, release func()) {
	t.Helper()
	begun, free := make(chan struct{}), make(chan struct{})
	app = newHashing(t, 1, fastHashing(func(password string) {
		if password != slowPassword {
			next(password)
			return
		}
		close(begun)
		<-free
	}), append(change, func(s *config.Settings) { s.Server.TrustedProxies = []string{"192.0.2.1"} })...)
	app.Register("ada@example.com")
	var slow sync.WaitGroup
	occupy = func() {
		slow.Go(func() { login(app, "who@example.com", slowPassword, "198.51.100.1").Want(t, 401, "login_failed") })
		<-begun
	}
	release = sync.OnceFunc(func() {
		close(free)
		slow.Wait()
	})
	t.Cleanup(release)
	return app, occupy, release
}

func TestARefusalOfTheQueueAsksTheDatabaseNothing(t *testing.T) {
	// After the first hash, the queue knows that a hash takes longer than max_wait.
	app, occupy, release := hashing(t, func(string) { time.Sleep(5 * time.Millisecond) }, func(s *config.Settings) { s.Password.MaxWait = time.Millisecond })
	bearer := append(from("203.0.113.1"), kit.Bearer(login(app, "ada@example.com", apptest.Password, "203.0.113.1").Field("access_token"))...)
	app.Serve("GET", "/me", "", bearer...).Want(t, 200, "")
	occupy()
	since := kit.Statements(t, app.App)
	for range 20 {
		login(app, "ada@example.com", apptest.Password, "203.0.113.1").Want(t, 503, "overloaded")
		login(app, "who@example.com", "wrong", "203.0.113.2").Want(t, 503, "overloaded")
		app.Serve("POST", "/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, bearer...).Want(t, 503, "overloaded")
	}
	if made := since(); len(made) > 0 {
		t.Errorf("%q", made)
	}
	release()
	login(app, "ada@example.com", apptest.Password, "203.0.113.1").Want(t, 200, "")
}

func TestAThrottledLoginDoesNotWaitForItsTurn(t *testing.T) {
	app, occupy, release := hashing(t, func(string) {}, func(s *config.Settings) { s.Login.MaxFailures = 1 })
	login(app, "ada@example.com", "wrong", "203.0.113.1").Want(t, 401, "login_failed")
	occupy()
	login(app, "ada@example.com", "wrong", "203.0.113.1").Want(t, 429, "too_many_attempts")
	release()
	login(app, "ada@example.com", apptest.Password, "203.0.113.2").Want(t, 200, "")
}

func TestTheLoginsOfManyAddressesDoNotDelayThoseOfOthers(t *testing.T) {
	const strangers, others = 100, 12
	var order []string
	app, occupy, release := hashing(t, func(password string) { order = append(order, password) })
	var searched atomic.Int64 // after a request got its place in the queue
	kit.Watch(t, app.App, func(db *gorm.DB) {
		if db.Statement.Table == "users" && strings.HasPrefix(db.Statement.SQL.String(), "SELECT") {
			searched.Add(1)
		}
	})
	occupy()
	searched.Store(0)
	order = nil
	var all sync.WaitGroup
	for i := range strangers {
		all.Go(func() {
			login(app, fmt.Sprint(i, "@example.com"), "wrong", fmt.Sprintf("2001:db8:0:%x::1", i)).Want(t, 401, "login_failed")
		})
	}
	kit.Await(t, "the strangers wait", func() bool { return searched.Load() == strangers })
	for i := range others {
		all.Go(func() {
			login(app, "ada@example.com", apptest.Password, fmt.Sprintf("203.0.%d.1", i)).Want(t, 200, "")
		})
	}
	kit.Await(t, "the others wait", func() bool { return searched.Load() == strangers+others })
	release()
	all.Wait()
	slices.Reverse(order)
	if last := len(order) - slices.Index(order, apptest.Password); len(order) != strangers+others || last > others+1 {
		t.Errorf("the last of %d others has turn %d of %d", others, last, len(order))
	}
}
