package endpoint

import (
	"context"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/latchkey/kit/problem"
)

// smallAnswer, in bytes, is what one connection may hold without being counted.
const smallAnswer = 16 << 10

// answers counts the bytes of the answers that are being sent, because a client may
// read slowly, or not at all.
type answers struct {
	limit  int
	client func(context.Context) string

	mu   sync.Mutex
	sent int
	by   map[string]int
}

type answersKey struct{}

// LimitAnswers limits the JSON answers over 16 KiB that are in memory at once, in
// bytes. One client may have a quarter. A read above that is answered 503. A write is
// not, because it is done.
func LimitAnswers(limit int, client func(context.Context) string) gin.HandlerFunc {
	all := &answers{limit: limit, client: client, by: map[string]int{}}
	return func(c *gin.Context) { c.Set(answersKey{}, all) }
}

// sendJSON writes a JSON body, if there is room for it.
func sendJSON(c *gin.Context, status int, body []byte) {
	value, limited := c.Get(answersKey{})
	if limited && len(body) > smallAnswer && isRead(c.Request.Method) {
		all := value.(*answers)
		client := all.client(c.Request.Context())
		if !all.add(client, len(body)) {
			c.Writer.Header().Del("ETag")
			problem.Write(c, problem.Overloaded)
			return
		}
		defer all.remove(client, len(body))
	}
	c.Data(status, "application/json; charset=utf-8", body)
}

func (a *answers) add(client string, size int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	above := func(sent, limit int) bool { return sent > 0 && sent+size > limit } // a larger one is sent alone
	if above(a.sent, a.limit) || above(a.by[client], a.limit/4) {
		return false
	}
	a.sent += size
	a.by[client] += size
	return true
}

func (a *answers) remove(client string, size int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent -= size
	if a.by[client] -= size; a.by[client] == 0 {
		delete(a.by, client)
	}
}

var marshalOptions = json.JoinOptions(marshalTimes, jsontext.AllowInvalidUTF8(true))

// JSONSize returns how many bytes a value has in an answer.
func JSONSize(value any) (int, error) {
	text, err := json.Marshal(value, marshalOptions)
	return len(text), err
}
