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

// visitor is a client with a connection of its own.
type visitor struct {
	t *testing.T
	net.Conn
	answers *bufio.Reader
}

func (v visitor) send(request string) visitor {
	v.t.Helper()
	if _, err := fmt.Fprint(v, request); err != nil {
		v.t.Fatal(err)
	}
	return v
}

func (v visitor) read() apptest.Answer {
	v.t.Helper()
	answer, err := http.ReadResponse(v.answers, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if answer.Close {
		answer.Header.Set("Connection", "close") // which net/http takes out
	}
	return apptest.Answer{Status: answer.StatusCode, Header: answer.Header, Body: string(body)}
}

// ended waits until the server has closed the connection.
func (v visitor) ended() {
	v.t.Helper()
	if _, err := v.answers.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		v.t.Fatal("the connection is still open: ", err)
	}
}

// house is the whole API on a server as serve makes it.
type house struct {
	t       *testing.T
	app     *apptest.App
	limit   *connections
	address string
}

func open(t *testing.T, most int) *house {
	t.Helper()
	app := apptest.New(t)
	log := newLog(app.Settings, app.Log)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, app: app, limit: &connections{most: most}, address: listener.Addr().String()}
	server := newServer(app.Engine, app.Settings.Server, log)
	h.limit.limit(server)
	server.ReadHeaderTimeout, server.ReadTimeout = time.Hour, time.Hour // the test may take its time
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return h
}

func (h *house) visit() visitor {
	h.t.Helper()
	connection, err := new(net.Dialer).DialContext(h.t.Context(), "tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(time.Minute)) // only so that a test that hangs fails
	return visitor{h.t, connection, bufio.NewReader(connection)}
}

// holds waits until so many connections are open, with and without the spare ones.
func (h *house) holds(open, spare int) {
	h.t.Helper()
	var isOpen, isSpare int
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		h.limit.mu.Lock()
		isOpen, isSpare = h.limit.open, len(h.limit.spare)
		h.limit.mu.Unlock()
		if isOpen == open && isSpare == spare {
			return
		}
	}
	h.t.Fatalf("%d and %d spare ones are open, want %d and %d", isOpen, isSpare, open, spare)
}

func TestHealthIsAnsweredWhileStrangersHoldAllConnections(t *testing.T) {
	const most = 8
	for name, begin := range map[string]func(visitor) visitor{
		"saying nothing":          func(v visitor) visitor { return v },
		"with unfinished headers": func(v visitor) visitor { return v.send("GET / HTTP/1.1\r\nHost: x\r\nX-Long: ") },
		"with unfinished bodies": func(v visitor) visitor {
			return v.send("POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n{")
		},
		"idle": func(v visitor) visitor {
			v.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").read()
			return v
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, most)
			for range 2 { // the second time with what the first gave back
				strangers := make([]visitor, 0, most+3*spareConnections)
				for range most {
					strangers = append(strangers, begin(h.visit()))
				}
				h.holds(most, 0)
				h.isCrowded()
				for i := range 3 * spareConnections { // and they keep coming
					if strangers = append(strangers, h.visit().send("GET /he")); i%64 == 0 {
						h.isCrowded()
					}
				}
				for _, stranger := range strangers[most:][:2*spareConnections] {
					stranger.ended()
				}
				h.isCrowded()
				for _, stranger := range strangers {
					_ = stranger.Close()
				}
				h.holds(0, 0)
				last := h.visit().send("GET /me HTTP/1.1\r\nHost: x\r\n\r\n")
				if answer := last.read().Want(t, 401, "token_missing"); answer.Header.Get("Connection") != "" {
					t.Error("a connection is closed although there is room")
				}
				_ = last.Close()
				h.holds(0, 0)
			}
		})
	}
}

// isCrowded wants the answers of a server whose connections are all taken.
func (h *house) isCrowded() {
	h.t.Helper()
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 200, "/me": 503, "/nowhere": 503} {
		v := h.visit().send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		answer := v.read()
		v.ended()
		code := ""
		if status == http.StatusServiceUnavailable {
			code = "overloaded"
		}
		answer.Want(h.t, status, code)
		if id := answer.Header.Get("X-Request-ID"); !strings.Contains(h.app.Log.String(), id) {
			h.t.Fatalf("%s is not in the log: %s", path, id)
		}
	}
}

func TestWhatNoRouteTakesIsAProblemToo(t *testing.T) {
	h := open(t, 8)
	for request, status := range map[string]int{
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n":               404,
		"OPTIONS * HTTP/1.0\r\n\r\n":                          404,
		"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n": 404,
		"OPTIONS /me HTTP/1.1\r\nHost: x\r\n\r\n":             405,
	} {
		code := map[int]string{404: "not_found", 405: "method_not_allowed"}[status]
		h.visit().send(request).read().Want(t, status, code)
	}
}

func TestHeadersHaveRoomForATokenAndNotForMuchMore(t *testing.T) {
	h := open(t, 8)
	ask := func(name string, size int) apptest.Answer {
		return h.visit().send("GET /me HTTP/1.1\r\nHost: x\r\n" + name + ": Bearer " + strings.Repeat("x", size) + "\r\n\r\n").read()
	}
	ask("Authorization", 8<<10).Want(t, 401, "token_invalid")
	ask("X-Other", 15<<10).Want(t, 401, "token_missing")
	ask("X-Other", 21<<10).Want(t, 431, "") // net/http takes 4 KiB over the limit
}
