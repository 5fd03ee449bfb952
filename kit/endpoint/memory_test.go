package endpoint_test

import (
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
)

type clientKey struct{}

// countingServer counts at most limit bytes of bodies.
func countingServer(limit int) http.Handler {
	type text struct {
		Text string `json:"text" formData:"text"`
	}
	type file struct {
		File *multipart.FileHeader `formData:"file"`
	}
	type raw struct {
		Bytes []byte `body:"text/plain"`
	}
	routes := []endpoint.Route{
		endpoint.Public("POST", "/text", "", func(_ context.Context, in text) (int, error) { return len(in.Text), nil }).MaxBody(1 << 30),
		endpoint.Public("POST", "/file", "", func(_ context.Context, in file) (int64, error) { return in.File.Size, nil }).MaxBody(1 << 30),
		endpoint.Public("POST", "/raw", "", func(_ context.Context, in raw) (int, error) { return len(in.Bytes), nil }).MaxBody(1 << 30),
		endpoint.Public("POST", "/panics", "", func(context.Context, text) (int, error) { panic("on purpose") }).MaxBody(1 << 30),
	}
	engine := gin.New()
	engine.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.Status(http.StatusInternalServerError) }))
	for _, route := range endpoint.LimitMemory(routes, limit, func(ctx context.Context) string { return ctx.Value(clientKey{}).(string) }) {
		engine.Handle(route.Method, route.Path, route.Handlers()...)
	}
	return engine
}

// sending is a request whose body has not ended.
type sending struct {
	t      *testing.T
	body   *io.PipeWriter
	answer chan *httptest.ResponseRecorder
}

// send begins a request. It returns when all of its bytes but the last are counted, or
// when it is answered.
func send(t *testing.T, server http.Handler, client, path, media, begin string) sending {
	t.Helper()
	read, write := io.Pipe()
	s := sending{t, write, make(chan *httptest.ResponseRecorder, 1)}
	request := httptest.NewRequestWithContext(context.WithValue(t.Context(), clientKey{}, client), "POST", path, read)
	request.Header.Set("Content-Type", media)
	request.ContentLength = 1 << 30
	go func() {
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, request)
		_ = read.Close()
		s.answer <- recorder
	}()
	last := len(begin) - 1
	for _, part := range []string{begin[:last], begin[last:]} { // the server reads the last byte when it has counted the others
		_, _ = io.WriteString(write, part)
	}
	return s
}

// end sends the end of the body and checks the answer.
func (s sending) end(rest string, status int, want string) {
	s.t.Helper()
	_, _ = io.WriteString(s.body, rest)
	_ = s.body.Close()
	checkAnswer(s.t, <-s.answer, status, want)
}

func jsonOf(size int) string { return `{"text":"` + strings.Repeat("x", size) }

func TestTheMemoryOfBodiesThatHaveNotEndedIsLimited(t *testing.T) {
	server := countingServer(1000 * kib)
	begin := func(client string, size int) sending {
		t.Helper()
		return send(t, server, client, "/text", mediaJSON, jsonOf(size))
	}
	var small, held []sending
	for range 100 { // they announce 1 GiB each
		small = append(small, begin("ada", 60*kib))
	}
	for _, client := range []string{"ada", "bob", "cyd", "dan"} {
		held = append(held, begin(client, 110*kib), begin(client, 110*kib))
		begin(client, 110*kib).end("", 503, "overloaded") // above a quarter
	}
	eve := begin("eve", 100*kib)
	begin("fay", 100*kib).end("", 503, "overloaded") // above the whole
	for _, s := range small {
		s.end(`"}`, 200, "61440")
	}
	for _, s := range held {
		s.end(`"}`, 200, "112640")
	}
	eve.end(`"}`, 200, "102400")
	begin("ada", 5000*kib).end(`"}`, 200, "5120000") // alone
}

func TestABodyIsCountedUntilTheEndOfItsRequest(t *testing.T) {
	for claim, c := range map[string]struct {
		path, rest string
		status     int
	}{
		"that is answered":        {"/text", `"}`, 200},
		"that is refused":         {"/text", `","other":1}`, 422},
		"that the client breaks":  {"/text", "", 400},
		"whose handler panics":    {"/panics", `"}`, 500},
		"that the server refuses": {"/text", strings.Repeat("x", 300*kib), 503},
	} {
		t.Run(claim, func(t *testing.T) {
			server := countingServer(1000 * kib)
			for range 3 {
				other := send(t, server, "ada", "/text", mediaJSON, jsonOf(100*kib))
				send(t, server, "ada", c.path, mediaJSON, jsonOf(100*kib)).end(c.rest, c.status, "")
				other.end(`"}`, 200, "")
			}
		})
	}
}

func TestEachKindOfBodyIsCounted(t *testing.T) {
	file := "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n"
	text := "--limit\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n"
	for claim, c := range map[string]struct {
		path, media, begin string
		size               int
		rest               string
	}{
		"JSON":                              {"/text", mediaJSON, `{"text":"`, 900 * kib, `"}`},
		"a form":                            {"/text", "application/x-www-form-urlencoded", "text=", 900 * kib, ""},
		"any bytes":                         {"/raw", "text/plain", "", 900 * kib, ""},
		"a text of a multipart form":        {"/text", mediaPart, text, 900 * kib, "\r\n--limit--\r\n"},
		"a small file":                      {"/file", mediaPart, file, 900 * kib, "\r\n--limit--\r\n"},
		"a file, as far as it is in memory": {"/file", mediaPart, file, 9000 * kib, "\r\n--limit--\r\n"},
	} {
		t.Run(claim, func(t *testing.T) {
			checkNoFilesLeft(t)
			server := countingServer(8 * endpoint.FormMemory) // two for a client
			begin := func() sending { return send(t, server, "ada", c.path, c.media, c.begin+strings.Repeat("x", c.size)) }
			first, second := begin(), begin()
			begin().end("", 503, "overloaded")
			first.end(c.rest, 200, "")
			second.end(c.rest, 200, "")
			begin().end(c.rest, 200, "")
		})
	}
}
