package tests

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/crypto/bcrypt"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
)

const wrongLogin = `{"email":"who@example.com","password":"wrong"}`

// busy is an API with one core, which is hashing until release is called.
func busy(t *testing.T, maxWait time.Duration) (app *apptest.App, release func()) {
	t.Helper()
	hashing, free := make(chan struct{}), make(chan struct{})
	app = newHashing(t, 1, password.Hasher{Compare: func([]byte, []byte) error {
		select {
		case hashing <- struct{}{}:
		case <-free:
		}
		<-free
		return bcrypt.ErrMismatchedHashAndPassword
	}}, func(s *config.Settings) { s.Password.MaxWait = maxWait })
	var first sync.WaitGroup
	first.Go(func() { app.Post("/login", wrongLogin).Want(t, 401, "login_failed") })
	<-hashing
	return app, sync.OnceFunc(func() {
		close(free)
		first.Wait()
	})
}

func TestALoginThatCannotGetATurnInTimeIsRefused(t *testing.T) {
	app, release := busy(t, time.Millisecond)
	defer release()
	if after := app.Post("/login", wrongLogin).Want(t, 503, "overloaded").Header.Get("Retry-After"); after != "1" {
		t.Errorf("Retry-After %q", after)
	}
	release()
	app.Post("/login", wrongLogin).Want(t, 401, "login_failed")
}

func TestRetryAfterIsInWholeSeconds(t *testing.T) {
	app := apptest.New(t)
	app.Engine.GET("/busy", func(c *gin.Context) { problem.Write(c, problem.Overloaded.WithRetryAfter(5001*time.Millisecond)) })
	if after := app.Get("/busy").Want(t, 503, "overloaded").Header.Get("Retry-After"); after != "6" {
		t.Errorf("Retry-After %q for 5.001 s", after)
	}
}

// send sends a login. hangUp disconnects the client.
func send(t *testing.T, app *apptest.App, body string) (hangUp func()) {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(app.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(connection, "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return func() {
		if err := connection.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestADisconnectedClientLeavesTheQueue(t *testing.T) {
	app, release := busy(t, time.Hour)
	defer release()
	send(t, app, wrongLogin)()
	kit.Await(t, "the log says that the client has gone", func() bool { return strings.Contains(app.Log.String(), "status=499") })
}
