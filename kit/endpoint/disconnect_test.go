package endpoint_test

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
)

// hook is a field that runs onRead when it is read.
type hook string

var onRead func()

func (*hook) UnmarshalText([]byte) error { onRead(); return nil }

// atEOF runs a function at the end of a body.
type atEOF struct {
	io.Reader
	run func()
}

func (l atEOF) Read(p []byte) (n int, err error) {
	if n, err = l.Reader.Read(p); err == io.EOF {
		l.run()
	}
	return n, err
}

func TestTheWorkStopsWhenTheClientDisconnects(t *testing.T) {
	type in struct {
		Hook hook `json:"hook"`
	}
	for claim, c := range map[string]struct {
		gone         string
		reads, calls int
		status       int
	}{
		"it stays":                        {"", 1, 1, 200},
		"it leaves after its body":        {"body", 0, 0, 499},
		"it leaves while a field is read": {"field", 1, 0, 499},
	} {
		t.Run(claim, func(t *testing.T) {
			ctx, leave := context.WithCancel(context.Background())
			defer leave()
			at := func(where string) {
				if where == c.gone {
					leave()
				}
			}
			var reads, calls int
			onRead = func() { reads++; at("field") }
			route := endpoint.Public("POST", "/", "", func(context.Context, in) (string, error) { calls++; return "", nil })
			engine := gin.New()
			engine.POST("/", route.Handlers()...)
			r := httptest.NewRequestWithContext(ctx, "POST", "/", atEOF{strings.NewReader(`{"hook":"x"}`), func() { at("body") }})
			r.Header.Set("Content-Type", "application/json")
			recorder := httptest.NewRecorder()
			engine.ServeHTTP(recorder, r)
			if reads != c.reads || calls != c.calls || recorder.Code != c.status {
				t.Errorf("%d fields are read, %d calls made, answered %d", reads, calls, recorder.Code)
			}
		})
	}
}
