package server

import (
	"cmp"
	"container/list"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

// spareConnections may be open above server.max_connections. There are many, so that
// a client can send its request before newer connections replace it.
const spareConnections = 256

// connections is a listener that limits the memory of its clients and what one of them
// may hold. Above max it closes a connection for each new one. If there is none to
// close, the new one is spare: it is for health checks, and the oldest of more than
// spareConnections is closed.
type connections struct {
	net.Listener
	max      int
	network  func(net.Addr) string // who holds a connection; "" for a proxy, which has many clients
	draining context.Context       // done once the server shuts down

	mu    sync.Mutex
	open  list.List      // of *connection; the one whose state changed longest ago is first
	spare list.List      // oldest first
	held  map[string]int // how many of open a network has, without those of proxies
}

// spareKey is whether a request came by a spare connection, in its context.
type spareKey struct{}

// limitConnections returns the listener that server must serve.
func limitConnections(draining context.Context, server *http.Server, listener net.Listener, settings Settings) *connections {
	l := &connections{Listener: listener, draining: draining, max: settings.MaxConnections, held: map[string]int{}}
	l.network = newProxies(settings.TrustedProxies).network
	server.ConnState = func(c net.Conn, state http.ConnState) { c.(*connection).changed(state) }
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, spareKey{}, c.(*connection).spare)
	}
	return l
}

func (l *connections) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: accepted, all: l, network: l.network(accepted.RemoteAddr())}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open.Len() == l.max {
		if other := l.replaceable(c.network); other != nil {
			_ = l.end(other)
		}
	}
	all := &l.open
	if l.open.Len() == l.max {
		all, c.spare, c.network = &l.spare, true, "" // it is held by no network
	}
	c.place = all.PushBack(c)
	l.hold(c.network, 1)
	if l.spare.Len() > spareConnections {
		_ = l.end(l.spare.Front().Value.(*connection))
	}
	return c, nil
}

// replaceable returns the connection to close for a new one of a network, or nil. A
// network may hold a quarter. If a network with fewer connects, an idle connection of a
// network with more is closed. Otherwise it is the one that has been idle longest, but a
// network with a quarter only replaces its own. Otherwise it is a busy one of a network
// with more.
func (l *connections) replaceable(network string) *connection {
	quarter, own := max(l.max/4, 1), l.held[network]
	var idleOfMore, idle, busyOfMore *connection
	for place := l.open.Back(); place != nil; place = place.Prev() { // so the first of the list is found last
		c := place.Value.(*connection)
		ofMore := l.held[c.network] > max(quarter, own+1)
		switch {
		case ofMore && c.busy:
			busyOfMore = c
		case ofMore:
			idleOfMore = c
		case !c.busy && (own < quarter || c.network == network):
			idle = c
		}
	}
	return cmp.Or(idleOfMore, idle, busyOfMore)
}

// end closes a connection at once. Its request, if there is one, ends later.
func (l *connections) end(c *connection) error {
	if c.place != nil {
		l.open.Remove(c.place) // each does nothing for those of the other list
		l.spare.Remove(c.place)
		l.hold(c.network, -1)
		c.place = nil
	}
	return c.Conn.Close()
}

func (l *connections) hold(network string, more int) {
	l.held[network] += more
	if network == "" || l.held[network] == 0 {
		delete(l.held, network)
	}
}

// connection cuts a client that does not read, and lingers before it closes.
type connection struct {
	net.Conn
	all     *connections
	network string
	spare   bool

	answered atomic.Bool // whether something was written since the request began

	// Guarded by all.mu.
	place *list.Element // nil once it is closed
	busy  bool          // whether a request is being answered
}

// changed notes when a request begins and when its answer is sent.
func (c *connection) changed(state http.ConnState) {
	c.answered.Store(false)
	c.setBusy(state == http.StateActive || state == http.StateHijacked)
}

func (c *connection) setBusy(busy bool) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.busy = busy; c.place != nil {
		c.all.open.MoveToBack(c.place) // does nothing for a spare one
	}
}

// Write fails when the client has not taken the next writePiece within writeTimeout.
// So an answer may take long, but not without progress.
func (c *connection) Write(p []byte) (written int, err error) {
	c.answered.Store(true)
	for piece := range slices.Chunk(p, writePiece) {
		_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
		n, err := c.Conn.Write(piece)
		if written += n; err != nil {
			return written, err
		}
	}
	return written, nil
}

// Close first discards what the client still sends after an answer, such as the rest
// of a body over the limit, until the client closes too or lingerTimeout is over. To
// close at once would reset the connection, and the client could lose the answer. See
// RFC 9112, section 9.6. A second Close ends that.
func (c *connection) Close() error {
	if c.answered.Swap(false) {
		c.setBusy(false) // it may be replaced now
		_ = c.SetReadDeadline(time.Now().Add(lingerTimeout))
		// A client that still sends must not delay a shutdown for longer.
		stop := context.AfterFunc(c.all.draining, func() { _ = c.SetReadDeadline(time.Now().Add(lingerShutdown)) })
		defer stop()
		_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
		_, _ = io.Copy(io.Discard, c.Conn)
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	return c.all.end(c)
}

// CloseWrite is what net/http calls before Close where it knows that the client may
// still send. It does not know that for every request.
func (c *connection) CloseWrite() error { return c.Close() }

// healthOnly allows only these routes on a spare connection, and closes that
// connection after the answer.
func healthOnly(paths ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if spare, _ := c.Request.Context().Value(spareKey{}).(bool); !spare {
			return
		}
		c.Header("Connection", "close")
		if !slices.Contains(paths, c.FullPath()) {
			problem.Write(c, problem.Overloaded.Detailed("Too many connections at once, try again later"))
		}
	}
}
