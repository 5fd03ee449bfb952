package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/latchkey/kit/apptest"
)

// testClient is an HTTP client with one connection.
type testClient struct {
	t *testing.T
	net.Conn
	answers *bufio.Reader
}

func (c testClient) send(request string) testClient {
	c.t.Helper()
	if _, err := fmt.Fprint(c, request); err != nil {
		c.t.Fatal(err)
	}
	return c
}

func (c testClient) read() apptest.Answer {
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
func (c testClient) awaitClosed() {
	c.t.Helper()
	if _, err := c.answers.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal("the connection is still open: ", err)
	}
	_ = c.Close()
}

// maxOpen is how many connections of a testServer may be open.
const maxOpen = 8

// testServer is the engine of newEngine on a server of newServer.
type testServer struct {
	t       *testing.T
	log     *apptest.Log
	limit   *connections
	address string
}

// smallBuffers accepts connections with little room for what a client does not read.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
	}
	return c, err
}

// untilShutdown returns a context that ends once the server shuts down.
func untilShutdown(t *testing.T, server *http.Server) context.Context {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	server.RegisterOnShutdown(end)
	return ctx
}

func startServer(t *testing.T, change ...func(*Settings)) *testServer {
	t.Helper()
	settings := Defaults()
	settings.MaxConnections = maxOpen
	for _, change := range change {
		change(&settings)
	}
	s := &testServer{t: t, log: new(apptest.Log)}
	log := NewLog(LogSettings{}, "", s.log)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(newEngine(t, settings, log), log)
	s.limit, s.address = limitConnections(untilShutdown(t, server), server, smallBuffers{listener}, settings), listener.Addr().String()
	server.ReadHeaderTimeout, server.ReadTimeout = time.Hour, time.Hour // the test may be slow
	go func() { _ = server.Serve(s.limit) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

func (s *testServer) connect() testClient { return s.connectFrom("127.0.0.1") }

// connectFrom connects from another address of this machine, which Linux has without
// configuration.
func (s *testServer) connectFrom(address string) testClient {
	s.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	connection, err := dialer.DialContext(s.t.Context(), "tcp", s.address)
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		s.t.Skip("this machine has only one loopback address")
	} else if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(time.Minute)) // so that a test that hangs fails
	return testClient{s.t, connection, bufio.NewReader(connection)}
}

// awaitOpen waits until so many connections are open, of them so many busy, and no
// spare ones.
func (s *testServer) awaitOpen(open, busy int) {
	s.t.Helper()
	apptest.Await(s.t, fmt.Sprintf("%d connections, %d of them busy", open, busy), func() bool {
		s.limit.mu.Lock()
		defer s.limit.mu.Unlock()
		isBusy := 0
		for place := s.limit.open.Front(); place != nil; place = place.Next() {
			if place.Value.(*connection).busy {
				isBusy++
			}
		}
		return s.limit.open.Len() == open && s.limit.spare.Len() == 0 && isBusy == busy
	})
}

const (
	me         = "GET /me HTTP/1.1\r\nHost: x\r\n\r\n" // answered 401 by a server with room
	unfinished = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n{"
)

// fill opens all connections and makes them busy.
func (s *testServer) fill() (all []testClient) {
	s.t.Helper()
	for i := range maxOpen {
		all = append(all, s.connect().send(unfinished))
		s.awaitOpen(i+1, i+1)
	}
	return all
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
		// Of the refusals of a second, only the first is in the log.
		if id := answer.Header.Get("X-Request-ID"); code == "" && !strings.Contains(s.log.String(), id) {
			s.t.Fatalf("%s is not in the log: %s", path, id)
		}
	}
}

func TestHealthIsAnsweredWhileAllConnectionsAreBusy(t *testing.T) {
	s := startServer(t)
	for range 2 { // the second time with the connections that the first one freed
		others := s.fill()
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
		last := s.connect().send(me)
		if answer := last.read().Want(t, 401, "token_missing"); answer.Header.Get("Connection") != "" {
			t.Error("a connection is closed although there is room")
		}
		_ = last.Close()
		s.awaitOpen(0, 0)
	}
}

func TestTheConnectionThatIsIdleLongestMakesRoom(t *testing.T) {
	for name, begin := range map[string]func(testClient){
		"sending nothing":         func(testClient) {},
		"with unfinished headers": func(c testClient) { c.send("GET / HTTP/1.1\r\nHost: x\r\nX-Long: ") },
		"after its answer":        func(c testClient) { c.send(me).read() },
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t)
			used := s.connect()
			idle := []testClient{s.connect(), s.connect()}
			s.awaitOpen(3, 0)
			for _, c := range idle {
				begin(c)
			}
			s.awaitOpen(3, 0)
			used.send(me).read()
			s.awaitOpen(3, 0)
			busy := make([]testClient, 0, maxOpen)
			for i := range maxOpen {
				if i == maxOpen-1 {
					used.send(me).read().Want(t, 401, "token_missing")
					s.awaitOpen(maxOpen, i)
				}
				busy = append(busy, s.connect().send(unfinished))
				s.awaitOpen(min(3+i+1, maxOpen), i+1)
			}
			for _, c := range append(idle, used) {
				c.awaitClosed()
			}
			s.connect().send(me).read().Want(t, 503, "overloaded")
			for _, c := range busy {
				c.send(strings.Repeat(" ", 65535)).read().Want(t, 400, "malformed_body")
			}
		})
	}
}

func TestANetworkWithMoreThanAQuarterMakesRoomForOthers(t *testing.T) {
	s := startServer(t)
	greedy := s.fill()
	var others []testClient
	for i := range maxOpen / 2 { // until both have half
		others = append(others, s.connectFrom("127.0.0.2").send(unfinished))
		greedy[i].awaitClosed()
		s.awaitOpen(maxOpen, maxOpen)
	}
	for _, address := range []string{"127.0.0.1", "127.0.0.2"} {
		s.connectFrom(address).send(me).read().Want(t, 503, "overloaded")
	}
	third := s.connectFrom("127.0.0.3").send(me)
	third.read().Want(t, 401, "token_missing")
	greedy[maxOpen/2].awaitClosed()
	for _, c := range append(others, greedy[maxOpen/2+1:]...) {
		c.send(strings.Repeat(" ", 65535)).read().Want(t, 400, "malformed_body")
	}
}

func TestANetworkWithAQuarterReplacesOnlyItsOwn(t *testing.T) {
	s := startServer(t)
	var all []testClient
	for i := range maxOpen {
		all = append(all, s.connectFrom(fmt.Sprintf("127.0.0.%d", 2+i/2)).send(me))
		all[i].read().Want(t, 401, "token_missing")
	}
	for range 2 * maxOpen {
		s.connectFrom("127.0.0.5").send(me).read().Want(t, 401, "token_missing")
	}
	for _, c := range all[:maxOpen-2] {
		c.send(me).read().Want(t, 401, "token_missing")
	}
}

func TestNetworksWithAQuarterKeepTheirBusyConnections(t *testing.T) {
	s := startServer(t)
	var all []testClient
	for i := range maxOpen {
		all = append(all, s.connectFrom(fmt.Sprintf("127.0.0.%d", 2+i/2)).send(unfinished))
		s.awaitOpen(i+1, i+1)
	}
	s.connect().send(me).read().Want(t, 503, "overloaded")
	for _, c := range all {
		c.send(strings.Repeat(" ", 65535)).read().Want(t, 400, "malformed_body")
	}
}

// The clients of a proxy would share one quarter.
func TestATrustedProxyMayHoldAllConnections(t *testing.T) {
	s := startServer(t, func(s *Settings) { s.TrustedProxies = []string{"127.0.0.1"} })
	proxied := s.fill()
	other := s.connectFrom("127.0.0.2").send(me)
	other.read().Want(t, 503, "overloaded")
	other.awaitClosed()
	for _, c := range proxied {
		c.send(strings.Repeat(" ", 65535)).read().Want(t, 400, "malformed_body")
	}
	s.awaitOpen(maxOpen, 0)
	s.connectFrom("127.0.0.2").send(me).read().Want(t, 401, "token_missing")
	s.connect().send(me).read().Want(t, 401, "token_missing")
}
