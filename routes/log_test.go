package routes_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/apptest"
)

func TestALogLineLimitsTextFromClients(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
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
	apptest.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	app.Engine.GET("/panic", func(*gin.Context) { panic(strings.Repeat("X", 60_000)) })
	app.Get("/panic").Want(t, 500, "internal")
	log := app.Log.String()
	if at := strings.Index(log, "TestALongPanicMessageKeepsItsStack"); len(log) > 20_000 || at < 0 || at > 4_000 {
		t.Errorf("the stack starts at byte %d of %d: %.500s", at, len(log), log)
	}
}
