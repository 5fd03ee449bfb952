package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
)

func TestALimitIsForEachNetwork(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	synctest.Test(t, func(t *testing.T) {
		engine := gin.New()
		engine.POST("/", withClient(""), Limit(2, time.Minute), func(c *gin.Context) { c.Status(http.StatusNoContent) })
		send := func(from string, status int, retryAfter string) {
			t.Helper()
			request, recorder := httptest.NewRequestWithContext(t.Context(), "POST", "/", nil), httptest.NewRecorder()
			request.RemoteAddr = from
			engine.ServeHTTP(recorder, request)
			if recorder.Code != status || recorder.Header().Get("Retry-After") != retryAfter {
				t.Errorf("%s is answered %d, Retry-After %q, want %d, %q: %s", from, recorder.Code, recorder.Header().Get("Retry-After"), status, retryAfter, recorder.Body)
			}
		}
		const one, neighbor, other = "[2001:db8::1]:1", "[2001:db8::2]:2", "203.0.113.1:1"
		send(one, 204, "")
		send(neighbor, 204, "") // of the same /64
		send(one, 429, "30")
		send(one, 429, "30") // a refused one counts nothing
		send(other, 204, "")
		time.Sleep(30 * time.Second)
		send(one, 204, "")
		send(one, 429, "30")
		time.Sleep(31 * time.Second) // the next generation of networks
		send(one, 204, "")
		send(one, 429, "29")
		time.Sleep(time.Hour)
		send(one, 204, "")
		send(one, 204, "")
		send(one, 429, "30")
	})
}
