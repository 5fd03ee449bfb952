package commands

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"

	"example.com/latchkey/middleware"
)

// spareConnections are open at once past server.max_connections. There are so
// many that one sends its request before as many newcomers have taken its place.
const spareConnections = 256

// connections bounds the memory that strangers take before they have said who
// they are. Where as many are open as it allows, it still takes a few spare ones
// for health checks, and closes the oldest of them for a newcomer.
type connections struct {
	most int

	mu    sync.Mutex
	open  int        // without the spare ones
	spare []net.Conn // from the oldest on, with those that have yet to end
}

// limit must be called before the server serves.
func (l *connections) limit(server *http.Server) {
	server.ConnContext, server.ConnState = l.opened, l.changed
}

func (l *connections) opened(ctx context.Context, connection net.Conn) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open < l.most {
		l.open++
		return ctx
	}
	l.spare = append(l.spare, connection)
	if past := len(l.spare) - spareConnections; past > 0 {
		_ = l.spare[past-1].Close() // those before it are closed already
	}
	return middleware.OnSpare(ctx)
}

func (l *connections) changed(connection net.Conn, state http.ConnState) {
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
