package server

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
)

func TestAStreamEndsWithTheServer(t *testing.T) {
	ended := make(chan struct{})
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
	settings, log := Defaults(), slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	server := newServer(engine, log)
	draining := untilShutdown(t, server)
	go func() { stopped <- run(ctx, draining, server, listener, settings, log) }()

	request, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+listener.Addr().String()+"/stream", nil)
	answer, err := http.DefaultClient.Do(request) //nolint:gosec // the server of this test
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if line, err := bufio.NewReader(answer.Body).ReadString('\n'); line != "event:message\n" {
		t.Fatal(line, err)
	}
	stop()
	<-ended
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
