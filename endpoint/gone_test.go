package endpoint_test

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/endpoint"
)

// hook is a field that runs what the test's context holds as it is read.
type hook string

var read func()

func (*hook) UnmarshalText([]byte) error { read(); return nil }

// last runs at the end of a body.
type last struct {
	io.Reader
	run func()
}

func (l last) Read(p []byte) (n int, err error) {
	if n, err = l.Reader.Read(p); err == io.EOF {
		l.run()
	}
	return n, err
}

func TestTheWorkStopsWhenTheClientIsGone(t *testing.T) {
	type in struct {
		Hook hook `json:"hook"`
	}
	for claim, c := range map[string]struct {
		gone         string
		reads, calls int
		status       int
	}{
		"it stays":                     {"", 1, 1, 200},
		"it leaves as its body ends":   {"body", 0, 0, 499},
		"it leaves as a field is read": {"field", 1, 0, 499},
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
			read = func() { reads++; at("field") }
			route := endpoint.Public("POST", "/", "", func(context.Context, in) (string, error) { calls++; return "", nil })
			engine := gin.New()
			engine.POST("/", route.Handlers()...)
			r := httptest.NewRequestWithContext(ctx, "POST", "/", last{strings.NewReader(`{"hook":"x"}`), func() { at("body") }})
			r.Header.Set("Content-Type", "application/json")
			recorder := httptest.NewRecorder()
			engine.ServeHTTP(recorder, r)
			if reads != c.reads || calls != c.calls || recorder.Code != c.status {
				t.Errorf("%d fields are read, %d calls made, answered %d", reads, calls, recorder.Code)
			}
		})
	}
}
