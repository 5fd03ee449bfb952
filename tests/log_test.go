package tests

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

func TestALogLineLimitsTextFromClients(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	long := strings.Repeat("X", 60_000)
	request := httptest.NewRequestWithContext(t.Context(), long, "/me", nil)
	request.Header.Set("X-Request-ID", long)
	request.Header.Set("User-Agent", long)
	app.Engine.ServeHTTP(httptest.NewRecorder(), request)
	if log := app.Log.String(); len(log) > 500 || !strings.Contains(log, "method="+long[:32]+"…") {
		t.Errorf("%d bytes: %.500s", len(log), log)
	}
}

func TestALongPanicMessageKeepsItsStack(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	app.Engine.GET("/panic", func(*gin.Context) { panic(strings.Repeat("X", 60_000)) })
	app.Get("/panic").Want(t, 500, "internal")
	log := app.Log.String()
	if at := strings.Index(log, "TestALongPanicMessageKeepsItsStack"); len(log) > 20_000 || at < 0 || at > 4_000 {
		t.Errorf("the stack starts at byte %d of %d: %.500s", at, len(log), log)
	}
}

func TestALogLineHasTheTraceOfAValidTraceparent(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	app := apptest.New(t)
	for claim, c := range map[string]struct {
		parents []string
		want    string
	}{
		"of a sampled trace":                 {[]string{"00-" + trace + "-" + span + "-01"}, trace},
		"of another trace":                   {[]string{"00-" + trace + "-" + span + "-00"}, trace},
		"of a later version":                 {[]string{"01-" + trace + "-" + span + "-01"}, trace},
		"of a later version, with more":      {[]string{"cc-" + trace + "-" + span + "-01-what the future brings"}, trace},
		"but not of this version, with more": {[]string{"00-" + trace + "-" + span + "-01-more"}, ""},
		"but not of a later version, run on": {[]string{"01-" + trace + "-" + span + "-01more"}, ""},
		"but not of the version ff":          {[]string{"ff-" + trace + "-" + span + "-01"}, ""},
		"but not of a trace of zeros":        {[]string{"00-" + strings.Repeat("0", 32) + "-" + span + "-01"}, ""},
		"but not of a span of zeros":         {[]string{"00-" + trace + "-" + strings.Repeat("0", 16) + "-01"}, ""},
		"but not in capitals":                {[]string{"00-" + strings.ToUpper(trace) + "-" + span + "-01"}, ""},
		"but not of a short trace":           {[]string{"00-" + trace[1:] + "-" + span + "-01"}, ""},
		"but not without flags":              {[]string{"00-" + trace + "-" + span}, ""},
		"but not of two headers":             {[]string{"00-" + trace + "-" + span + "-01", "00-" + trace + "-" + span + "-01"}, ""},
		"but not with a line end":            {[]string{"00-" + trace + "-" + span + "-01\n"}, ""},
		"but not of nonsense":                {[]string{"nonsense"}, ""},
		"but not without the header":         {nil, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			request := httptest.NewRequestWithContext(t.Context(), "GET", "/healthz", nil)
			request.Header["Traceparent"] = c.parents
			recorder := httptest.NewRecorder()
			app.Engine.ServeHTTP(recorder, request)
			_, line, _ := strings.Cut(app.Log.String(), recorder.Header().Get("X-Request-ID"))
			if _, got, _ := strings.Cut(strings.TrimSpace(line), "trace_id="); got != c.want {
				t.Errorf("got %q, want %q: %s", got, c.want, line)
			}
		})
	}
}
