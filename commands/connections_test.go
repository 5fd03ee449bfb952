package commands

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/apptest"
)

// client is an HTTP client with one connection.
type client struct {
	t *testing.T
	net.Conn
	answers *bufio.Reader
}

func (c client) send(request string) client {
	c.t.Helper()
	if _, err := fmt.Fprint(c, request); err != nil {
		c.t.Fatal(err)
	}
	return c
}

func (c client) read() apptest.Answer {
	c.t.Helper()
	answer, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if answer.Close {
		answer.Header.Set("Connection", "close") // net/http has removed it
	}
	return apptest.Answer{Status: answer.StatusCode, Header: answer.Header, Body: string(body)}
}

// awaitClosed waits until the server has closed the connection.
func (c client) awaitClosed() {
	c.t.Helper()
	if _, err := c.answers.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal("the connection is still open: ", err)
	}
}

// maxOpen is how many connections of a testServer may be open.
const maxOpen = 8

// testServer is the whole API on a server of newServer.
type testServer struct {
	t       *testing.T
	app     *apptest.App
	limit   *connectionLimit
	address string
}

func startServer(t *testing.T) *testServer {
	t.Helper()
	app := apptest.New(t)
	log := newLog(app.Settings, app.Log)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{t: t, app: app, limit: &connectionLimit{max: maxOpen}, address: listener.Addr().String()}
	server := newServer(app.Engine, app.Settings.Server, log)
	s.limit.apply(server)
	server.ReadHeaderTimeout, server.ReadTimeout = time.Hour, time.Hour // the test may be slow
	go func() { _ = server.Serve(lingeringListener{listener}) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

func (s *testServer) connect() client {
	s.t.Helper()
	connection, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(time.Minute)) // so that a test that hangs fails
	return client{s.t, connection, bufio.NewReader(connection)}
}

// awaitOpen waits until so many usual and spare connections are open.
func (s *testServer) awaitOpen(open, spare int) {
	s.t.Helper()
	var isOpen, isSpare int
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s.limit.mu.Lock()
		isOpen, isSpare = s.limit.open, len(s.limit.spare)
		s.limit.mu.Unlock()
		if isOpen == open && isSpare == spare {
			return
		}
	}
	s.t.Fatalf("%d connections and %d spare ones are open, want %d and %d", isOpen, isSpare, open, spare)
}

func TestHealthIsAnsweredWhileAllConnectionsAreTaken(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	for name, begin := range map[string]func(client) client{
		"sending nothing":         func(c client) client { return c },
		"with unfinished headers": func(c client) client { return c.send("GET / HTTP/1.1\r\nHost: x\r\nX-Long: ") },
		"with unfinished bodies": func(c client) client {
			return c.send("POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n{")
		},
		"idle": func(c client) client {
			c.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").read()
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t)
			for range 2 { // the second time with the connections that the first one freed
				others := make([]client, 0, maxOpen+3*spareConnections)
				for range maxOpen {
					others = append(others, begin(s.connect()))
				}
				s.awaitOpen(maxOpen, 0)
				s.checkFull()
				for i := range 3 * spareConnections { // more than the spare ones
					if others = append(others, s.connect().send("GET /he")); i%64 == 0 {
						s.checkFull()
					}
				}
				for _, other := range others[maxOpen:][:2*spareConnections] {
					other.awaitClosed()
				}
				s.checkFull()
				for _, other := range others {
					_ = other.Close()
				}
				s.awaitOpen(0, 0)
				last := s.connect().send("GET /me HTTP/1.1\r\nHost: x\r\n\r\n")
				if answer := last.read().Want(t, 401, "token_missing"); answer.Header.Get("Connection") != "" {
					t.Error("a connection is closed although there is room")
				}
				_ = last.Close()
				s.awaitOpen(0, 0)
			}
		})
	}
}

// checkFull checks the answers of a server with no free connection.
func (s *testServer) checkFull() {
	s.t.Helper()
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 200, "/me": 503, "/nowhere": 503} {
		c := s.connect().send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		answer := c.read()
		c.awaitClosed()
		code := ""
		if status == http.StatusServiceUnavailable {
			code = "overloaded"
		}
		answer.Want(s.t, status, code)
		if id := answer.Header.Get("X-Request-ID"); !strings.Contains(s.app.Log.String(), id) {
			s.t.Fatalf("%s is not in the log: %s", path, id)
		}
	}
}

func TestARequestWithoutARouteGetsAProblem(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	s := startServer(t)
	for request, status := range map[string]int{
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n":               404,
		"OPTIONS * HTTP/1.0\r\n\r\n":                          404,
		"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n": 404,
		"OPTIONS /me HTTP/1.1\r\nHost: x\r\n\r\n":             405,
	} {
		code := map[int]string{404: "not_found", 405: "method_not_allowed"}[status]
		s.connect().send(request).read().Want(t, status, code)
	}
}

func TestTheSizeOfHeadersIsLimited(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	s := startServer(t)
	get := func(name string, size int) apptest.Answer {
		return s.connect().send("GET /me HTTP/1.1\r\nHost: x\r\n" + name + ": Bearer " + strings.Repeat("x", size) + "\r\n\r\n").read()
	}
	get("Authorization", 8<<10).Want(t, 401, "token_invalid")
	get("X-Other", 15<<10).Want(t, 401, "token_missing")
	get("X-Other", 21<<10).Want(t, 431, "") // net/http allows 4 KiB over the limit
}

// Without the lingering listener, the connection is reset while the client sends.
func TestAClientThatSendsItsBodyBeforeItReadsGetsTheAnswer(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	s := startServer(t)
	body := strings.Repeat("x", 16<<20)
	for begin, want := range map[string]struct {
		status int
		code   string
	}{
		"POST /register": {413, "body_too_large"},
		"PATCH /me":      {401, "token_missing"},
		"POST /nowhere":  {404, "not_found"},
	} {
		c := s.connect().send(fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", begin, len(body), body))
		c.read().Want(t, want.status, want.code)
	}
}
