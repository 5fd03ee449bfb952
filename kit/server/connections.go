package server

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
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
	max     int
	network func(net.Addr) string // who holds a connection; "" for a proxy, which has many clients

	mu       sync.Mutex
	open     list.List      // of *connection; the one whose state changed longest ago is first
	spare    list.List      // oldest first
	held     map[string]int // how many of open a network has, without those of proxies
	draining bool
}

// limitConnections returns the listener that server must serve.
func limitConnections(server *http.Server, listener net.Listener, settings Settings) *connections {
	network := newProxies(settings.TrustedProxies).network
	l := &connections{Listener: listener, max: settings.MaxConnections, network: network, held: map[string]int{}}
	server.ConnState = func(c net.Conn, state http.ConnState) { c.(*connection).changed(state) }
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if c.(*connection).spare {
			ctx = withSpare(ctx)
		}
		return ctx
	}
	server.RegisterOnShutdown(l.drain)
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
	if c.spare = l.open.Len() == l.max; !c.spare {
		c.place = l.open.PushBack(c)
		l.hold(c.network, 1)
		return c, nil
	}
	c.place = l.spare.PushBack(c)
	if l.spare.Len() > spareConnections {
		_ = l.end(l.spare.Front().Value.(*connection))
	}
	return c, nil
}

// replaceable returns the connection to close for a new one of a network, or nil. A
// network may hold a quarter. Of one with more, an idle connection makes room for a
// network that has fewer. Else it is the one that has been idle longest, but a network
// with a quarter only replaces its own. Else it is a busy one of a network with more.
func (l *connections) replaceable(network string) (found *connection) {
	quarter, own, rank := max(l.max/4, 1), l.held[network], 3
	for place := l.open.Front(); place != nil; place = place.Next() {
		c := place.Value.(*connection)
		gives := l.held[c.network] > max(quarter, own+1)
		switch {
		case gives && !c.busy && rank > 0:
			found, rank = c, 0
		case !c.busy && (own < quarter || c.network == network) && rank > 1:
			found, rank = c, 1
		case gives && rank > 2:
			found, rank = c, 2
		}
	}
	return found
}

// end closes a connection at once. Its request, if there is one, ends later.
func (l *connections) end(c *connection) error {
	if c.place != nil {
		if c.spare {
			l.spare.Remove(c.place)
		} else {
			l.open.Remove(c.place)
			l.hold(c.network, -1)
		}
		c.place = nil
	}
	return c.Conn.Close()
}

func (l *connections) hold(network string, more int) {
	if network != "" {
		l.held[network] += more
	}
	if l.held[network] == 0 {
		delete(l.held, network)
	}
}

// drain limits how long a client that still sends can delay a shutdown.
func (l *connections) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	for _, all := range []*list.List{&l.open, &l.spare} {
		for place := all.Front(); place != nil; place = place.Next() {
			if c := place.Value.(*connection); c.lingering {
				c.limitLinger()
			}
		}
	}
}
