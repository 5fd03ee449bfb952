package endpoint

import (
	"context"
	"io"
	"math"
	"net/http"
	"slices"
	"sync"

	"example.com/latchkey/kit/problem"
)

// What one connection may hold without being counted, in bytes. A public route has no
// larger body by default.
const (
	smallAnswer = 16 << 10
	smallBody   = publicBody
)

// memory counts the bytes of answers or of bodies, because a client may read or send
// slowly, or not at all.
type memory struct {
	limit  int
	client func(context.Context) string

	mu   sync.Mutex
	used int
	by   map[string]int
}

// LimitMemory returns the routes with a limit for the JSON answers over 16 KiB that are in
// memory at once, in bytes, and the same limit for the bodies over 64 KiB. One client may
// have a quarter. A body above that is answered 503 before its end, and so is a read. The
// answer to a write is not, because the write is done. A Gin handler reads its body itself,
// so that body is not counted.
func LimitMemory(routes []Route, limit int, client func(context.Context) string) []Route {
	limited := slices.Clone(routes)
	answers := &memory{limit: limit, client: client, by: map[string]int{}}
	bodies := &memory{limit: limit, client: client, by: map[string]int{}}
	for i := range limited {
		limited[i].answers, limited[i].bodies = answers, bodies
	}
	return limited
}

// resize counts another size of one answer or body. It reports whether there is room.
func (m *memory) resize(client string, from, to int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	above := func(used, limit int) bool { return to > from && used > from && used-from+to > limit } // a larger one is alone
	if above(m.used, m.limit) || above(m.by[client], m.limit/4) {
		return false
	}
	m.used += to - from
	if m.by[client] += to - from; m.by[client] == 0 {
		delete(m.by, client)
	}
	return true
}

// countedBody counts the bytes that have arrived, so that a length that a client only
// announces takes no room.
type countedBody struct {
	io.ReadCloser
	all                 *memory
	client              string
	read, counted, most int // most of the bytes are in memory, the rest is in files
}

// countBody counts the body of a request until end.
func (r Route) countBody(request *http.Request) (end func()) {
	if r.bodies == nil || len(r.bind.bodies) == 0 {
		return func() {}
	}
	body := &countedBody{ReadCloser: request.Body, all: r.bodies, client: r.bodies.client(request.Context()), most: math.MaxInt}
	request.Body = body
	return func() {
		body.all.resize(body.client, body.counted, 0)
		body.counted, body.most = 0, 0 // middleware may still read the rest
	}
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.read = min(b.read+n, b.most); b.read > smallBody {
		if !b.all.resize(b.client, b.counted, b.read) {
			return 0, problem.Overloaded
		}
		b.counted = b.read
	}
	return n, err
}
