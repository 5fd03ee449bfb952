package server

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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
func (p pipes) Close() error   { close(p); return nil }

// servePipes serves one connection at a time. The function makes one, and returns the
// client's end of it.
func servePipes(t *testing.T, handle http.HandlerFunc) (func() net.Conn, *http.Server) {
	t.Helper()
	settings, listener := Defaults(), make(pipes)
	settings.MaxConnections = 1
	server := newServer(handle, slog.New(slog.DiscardHandler))
	limited := limitConnections(untilShutdown(t, server), server, listener, settings)
	go func() { _ = server.Serve(limited) }()
	t.Cleanup(func() { _ = server.Close() })
	return func() net.Conn {
		client, accepted := net.Pipe()
		listener <- accepted
		return client
	}, server
}

// trickle sends a byte each second until the connection is closed.
func trickle(client net.Conn, begin string) {
	err := error(nil)
	for sent := begin; err == nil; sent = "x" {
		_, err = io.WriteString(client, sent)
		time.Sleep(time.Second)
	}
}

func readBody(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1<<10))
}

const restOfBody = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"

// A client that sends a byte each second has no longer than one that sends nothing.
func TestASlowClientDoesNotExtendADeadline(t *testing.T) {
	for name, c := range map[string]struct {
		begin string
		limit time.Duration
	}{
		"of the headers":                {"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", readHeaderTimeout},
		"of the body":                   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n", readTimeout + lingerTimeout},
		"of a body in chunks":           {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", readTimeout + lingerTimeout},
		"of the rest of a body":         {restOfBody + strings.Repeat("x", 4<<10), lingerTimeout},
		"of the next request's headers": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 4*time.Second + readHeaderTimeout + lingerTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				connect, _ := servePipes(t, readBody)
				client := connect()
				go func() { _, _ = io.Copy(io.Discard, client) }()
				started := time.Now()
				trickle(client, c.begin)
				if took := time.Since(started); took < c.limit || took > c.limit+2*time.Second {
					t.Errorf("closed after %v, want %v", took, c.limit)
				}
			})
		})
	}
}

func TestAClientThatStillSendsDoesNotHoldAShutdown(t *testing.T) {
	for name, before := range map[string]time.Duration{"that begins while it sends": time.Second, "that began before its answer": -time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				connect, server := servePipes(t, func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(max(0, -before) + time.Millisecond)
					readBody(w, r)
				})
				client := connect()
				go func() { _, _ = io.Copy(io.Discard, client) }()
				var sending sync.WaitGroup
				defer sending.Wait()
				sending.Go(func() { trickle(client, restOfBody+strings.Repeat("x", 4<<10)) })
				time.Sleep(max(0, before))
				started := time.Now()
				if err := server.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(started); took > 2*lingerShutdown+time.Second {
					t.Errorf("stopped after %v", took)
				}
			})
		})
	}
}

func TestAClientMustReadItsAnswer(t *testing.T) {
	body := make([]byte, 64*writePiece)
	for name, c := range map[string]struct {
		bytes int // read in each pause
		pause time.Duration
		whole bool
	}{
		"reads nothing":            {1, time.Hour, false},
		"reads a byte each second": {1, time.Second, false},
		"reads in time":            {writePiece, writeTimeout - time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failed := make(chan error, 1)
				connect, _ := servePipes(t, func(w http.ResponseWriter, _ *http.Request) {
					_, err := w.Write(body)
					failed <- err
				})
				client := connect()
				started := time.Now()
				var reading sync.WaitGroup
				defer reading.Wait()
				reading.Go(func() {
					_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
					for part := make([]byte, c.bytes); err == nil; {
						time.Sleep(c.pause)
						_, err = io.ReadFull(client, part)
					}
				})
				if err := <-failed; (err == nil) != c.whole {
					t.Error(err)
				}
				if took := time.Since(started); !c.whole && took > 2*writeTimeout || c.whole && took < 10*writeTimeout {
					t.Errorf("took %v", took)
				}
				_ = client.Close()
			})
		})
	}
}

func TestAClientThatStillSendsMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		connect, _ := servePipes(t, readBody)
		ended := make(chan struct{}, 3)
		for range cap(ended) {
			client := connect()
			go func() { _, _ = io.Copy(io.Discard, client) }()
			go func() {
				trickle(client, restOfBody+strings.Repeat("x", 4<<10))
				ended <- struct{}{}
			}()
			synctest.Wait() // for the server to linger
		}
		time.Sleep(lingerTimeout / 2)
		if len(ended) != cap(ended)-1 {
			t.Errorf("%d have ended", len(ended))
		}
		time.Sleep(lingerTimeout)
	})
}
