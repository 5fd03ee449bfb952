package commands

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"example.com/latchkey/middleware"
)

// spareConnections may be open above server.max_connections. There are many, so that
// a client can send its request before newer connections replace it.
const spareConnections = 256

// connectionLimit limits the memory that clients take before they authenticate.
// When max connections are open, it still accepts spare ones for health checks,
// and closes the oldest of them when there are more than spareConnections.
type connectionLimit struct {
	max int

	mu    sync.Mutex
	open  int        // without the spare ones
	spare []net.Conn // oldest first, with closed ones that have not ended yet
}

// apply must be called before the server serves.
func (l *connectionLimit) apply(server *http.Server) {
	server.ConnContext, server.ConnState = l.opened, l.changed
}

func (l *connectionLimit) opened(ctx context.Context, connection net.Conn) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open < l.max {
		l.open++
		return ctx
	}
	l.spare = append(l.spare, connection)
	if excess := len(l.spare) - spareConnections; excess > 0 {
		_ = l.spare[excess-1].Close() // the older ones are closed already
	}
	return middleware.WithSpare(ctx)
}

func (l *connectionLimit) changed(connection net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.spare, connection); i >= 0 {
		l.spare = slices.Delete(l.spare, i, i+1)
	} else {
		l.open--
	}
}

// lingeringListener keeps a connection on which a client still sends the body of a
// request that was answered early, such as one over its limit. To close it would
// reset the connection, and the client could lose the answer. See RFC 9112,
// section 9.6.
type lingeringListener struct{ net.Listener }

func (l lingeringListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return lingeringConn{connection}, nil
}

type lingeringConn struct{ net.Conn }

// CloseWrite discards what the client sends, until it closes the connection or
// lingerTimeout is over. net/http calls it before it closes a connection on which the
// client may still send: after an early answer, and after 431.
func (c lingeringConn) CloseWrite() error {
	err := c.Conn.(interface{ CloseWrite() error }).CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(lingerTimeout))
	_, _ = io.Copy(io.Discard, c.Conn)
	return err
}
