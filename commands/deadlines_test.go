package commands

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/latchkey/apptest"
	"example.com/latchkey/config"
)

// pipes is a listener of connections that the test makes, so that they use the
// clock of synctest.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	connection, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return pipe{connection}, nil
}

type pipe struct{ net.Conn }

func (pipe) CloseWrite() error { return nil }

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) Close() error   { return nil }

// A client that sends a byte each second has no longer than one that sends nothing.
func TestASlowClientDoesNotExtendADeadline(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	for name, c := range map[string]struct {
		begin string
		limit time.Duration
	}{
		"of the headers":                {"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", readHeaderTimeout},
		"of the body":                   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n", readTimeout},
		"of a body in chunks":           {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", readTimeout},
		"of the rest of a body":         {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 4<<10), lingerTimeout},
		"of the next request's headers": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 4*time.Second + readHeaderTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1<<10))
				})
				server := newServer(read, config.Defaults().Server, slog.New(slog.DiscardHandler))
				listener := make(pipes)
				go func() { _ = server.Serve(lingeringListener{listener}) }()
				client, accepted := net.Pipe()
				listener <- accepted
				go func() { _, _ = io.Copy(io.Discard, client) }()
				started, err := time.Now(), error(nil)
				for sent := c.begin; err == nil; sent = "x" {
					if _, err = io.WriteString(client, sent); sent != "" {
						time.Sleep(time.Second)
					}
				}
				if took := time.Since(started); took < c.limit || took > c.limit+2*time.Second {
					t.Errorf("closed after %v, want %v", took, c.limit)
				}
				close(listener)
			})
		})
	}
}
