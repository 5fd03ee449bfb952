package server

import (
	"fmt"
	"strings"
	"testing"

	"example.com/latchkey/kit/apptest"
)

func TestARequestWithoutARouteGetsAProblem(t *testing.T) {
	s := startServer(t)
	for request, status := range map[string]int{
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n":               404,
		"OPTIONS * HTTP/1.0\r\n\r\n":                          404,
		"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n": 404,
		"OPTIONS /me HTTP/1.1\r\nHost: x\r\n\r\n":             405,
	} {
		code := map[int]string{404: "not_found", 405: "method_not_allowed"}[status]
		s.connect().send(request).read().Want(t, status, code)
	}
}

func TestTheSizeOfHeadersIsLimited(t *testing.T) {
	s := startServer(t)
	get := func(name string, size int) apptest.Answer {
		return s.connect().send("GET /me HTTP/1.1\r\nHost: x\r\n" + name + ": Bearer " + strings.Repeat("x", size) + "\r\n\r\n").read()
	}
	get("Authorization", 8<<10).Want(t, 401, "token_invalid")
	get("X-Other", 15<<10).Want(t, 401, "token_missing")
	get("X-Other", 21<<10).Want(t, 431, "") // net/http allows 4 KiB over the limit
}

// Without lingering, the connection is reset while the client sends.
func TestAClientThatSendsItsBodyBeforeItReadsGetsTheAnswer(t *testing.T) {
	s := startServer(t)
	body := strings.Repeat("x", 8<<20)
	length := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	chunked := fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	for framing, sent := range map[string]struct{ version, rest string }{
		"of a known length":                   {"1.1", length},
		"in chunks":                           {"1.1", chunked},
		"on a connection to close":            {"1.1", "Connection: close\r\n" + length},
		"in chunks, on a connection to close": {"1.1", "Connection: close\r\n" + chunked},
		"of HTTP/1.0":                         {"1.0", length},
	} {
		for begin, want := range map[string]struct {
			status int
			code   string
		}{
			"POST /register": {413, "body_too_large"},
			"PATCH /me":      {401, "token_missing"},
			"POST /nowhere":  {404, "not_found"},
			"GET /login":     {405, "method_not_allowed"},
			"PO ST /login":   {400, ""},
		} {
			t.Run(begin+" with a body "+framing, func(t *testing.T) {
				c := s.connect()
				c.t = t
				c.send(begin + " HTTP/" + sent.version + "\r\nHost: x\r\nContent-Type: application/json\r\n" + sent.rest)
				c.read().Want(t, want.status, want.code)
			})
		}
	}
}
