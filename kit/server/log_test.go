package server

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

func TestTheRefusalsOfASecondAreALineAndACount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		engine := gin.New()
		engine.Use(logRequests(slog.New(slog.NewTextHandler(&out, nil)), nothingMore))
		engine.GET("/busy", func(c *gin.Context) { problem.Write(c, problem.Overloaded) })
		for _, requests := range []int{1000, 1, 500} {
			for range requests {
				engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/busy", nil))
			}
			time.Sleep(time.Second)
			synctest.Wait()
			log := out.String()
			counted := strings.Count(log, "level=WARN msg=\"more requests were refused: too many at once\" count="+strconv.Itoa(requests-1)+"\n")
			if lines := strings.Count(log, "\n"); counted != min(requests-1, 1) || lines != 1+counted || !strings.Contains(log, "level=WARN msg=request method=GET route=/busy status=503") {
				t.Errorf("%d lines of %d refusals: %.500s", lines, requests, log)
			}
			out.Reset()
		}
	})
}
