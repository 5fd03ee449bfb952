package commands

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/config"
	"example.com/latchkey/endpoint"
)

// deadlines records the deadlines that a stream sets for its writes.
type deadlines struct {
	http.ResponseWriter
	set chan time.Time
}

func (d deadlines) SetWriteDeadline(at time.Time) error {
	d.set <- at
	return nil
}

func (d deadlines) Flush() { d.ResponseWriter.(http.Flusher).Flush() }

func TestAStreamHasNoDeadlineAndEndsWithTheServer(t *testing.T) {
	ended, set := make(chan struct{}), make(chan time.Time, 1)
	route := endpoint.Gin("GET", "/stream", "Server-Sent Events", func(c *gin.Context) {
		defer close(ended)
		c.SSEvent("message", "hello")
		c.Writer.Flush()
		<-c.Request.Context().Done()
	}).Stream()
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Handle(route.Method, route.Path, route.Handlers()...)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	settings, log := config.Defaults().Server, slog.New(slog.DiscardHandler)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { engine.ServeHTTP(deadlines{w, set}, r) })
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- run(ctx, newServer(handler, settings, log), listener, settings, log) }()

	request, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+listener.Addr().String()+"/stream", nil)
	answer, err := http.DefaultClient.Do(request) //nolint:gosec // the server of this test
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if line, err := bufio.NewReader(answer.Body).ReadString('\n'); line != "event:message\n" {
		t.Fatal(line, err)
	}
	if at := <-set; !at.IsZero() {
		t.Errorf("the deadline for writes is %v", at)
	}
	stop()
	<-ended
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
