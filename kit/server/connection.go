package server

import (
	"container/list"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// connection cuts a client that does not read, and lingers before it closes.
type connection struct {
	net.Conn
	all     *connections
	network string
	spare   bool

	answered atomic.Bool // whether something was written since it was idle

	// Guarded by all.mu.
	place     *list.Element // nil once it is closed
	busy      bool          // whether a request is being answered
	lingering bool
}

// changed notes when a request begins and when its answer is sent.
func (c *connection) changed(state http.ConnState) {
	if state != http.StateActive && state != http.StateIdle {
		return
	}
	if state == http.StateIdle {
		c.answered.Store(false)
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.setBusy(state == http.StateActive)
}

func (c *connection) setBusy(busy bool) {
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
	if c.linger() {
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

// linger reports whether to linger, and then counts the connection as idle.
func (c *connection) linger() bool {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.place == nil || c.lingering || !c.answered.Load() {
		return false
	}
	c.lingering = true
	c.setBusy(false)
	c.limitLinger()
	return true
}

func (c *connection) limitLinger() {
	limit := lingerTimeout
	if c.all.draining {
		limit = lingerShutdown
	}
	_ = c.SetReadDeadline(time.Now().Add(limit))
}
