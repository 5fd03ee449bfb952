package commands

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"example.com/latchkey/config"
)

// pipes is a listener whose connections a test makes, on a clock of its own.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	connection, more := <-p
	if !more {
		return nil, net.ErrClosed
	}
	return connection, nil
}
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) Close() error   { return nil }

// A client that sends a byte each second is cut off when one that sends nothing is.
func TestATrickleDoesNotMoveADeadline(t *testing.T) {
	for name, c := range map[string]struct {
		begin string
		limit time.Duration
	}{
		"of the headers":                {"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", readHeaderTimeout},
		"of the body":                   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n", readTimeout},
		"of a body in chunks":           {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", readTimeout},
		"of the next request's headers": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 4*time.Second + readHeaderTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				read := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
				server := newServer(read, config.Defaults().Server, slog.New(slog.DiscardHandler))
				listener := make(pipes)
				go func() { _ = server.Serve(listener) }()
				ours, theirs := net.Pipe()
				listener <- theirs
				go func() { _, _ = io.Copy(io.Discard, ours) }()
				began, err := time.Now(), error(nil)
				for sent := c.begin; err == nil; sent = "x" {
					if _, err = io.WriteString(ours, sent); sent != "" {
						time.Sleep(time.Second)
					}
				}
				if took := time.Since(began); took < c.limit || took > c.limit+2*time.Second {
					t.Errorf("cut off after %v, want %v", took, c.limit)
				}
				close(listener)
			})
		})
	}
}
