package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"time"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/server"
)

type greeting struct {
	Name string `query:"name" binding:"required,max=20"`
}

func hello(_ context.Context, in greeting) (string, error) { return "Hello, " + in.Name, nil }

func whoami(ctx context.Context, _ endpoint.None) (string, error) { return client.From(ctx).IP, nil }

// An engine has the routes, and what every request needs: an id, a line in the log, limits,
// security headers. Run serves it.
func ExampleNewEngine() {
	engine, err := server.NewEngine(server.Options{
		Settings: server.Defaults(),
		Log:      slog.New(slog.DiscardHandler),
		Routes: []endpoint.Route{
			endpoint.Public("GET", "/hello", "Say hello", hello),
			endpoint.Public("GET", "/whoami", "Show my address", whoami).With(server.Limit(10, time.Minute)),
		},
	})
	if err != nil {
		panic(err)
	}
	for _, path := range []string{"/hello?name=Ada", "/whoami", "/nowhere"} {
		request := httptest.NewRequestWithContext(context.Background(), "GET", path, nil)
		request.Header.Set("X-Request-Id", "example")
		answer := httptest.NewRecorder()
		engine.ServeHTTP(answer, request)
		fmt.Println(answer.Code, answer.Header().Get("X-Request-Id"), answer.Body)
	}
	// Output:
	// 200 example "Hello, Ada"
	// 200 example "192.0.2.1"
	// 404 example {"type":"about:blank","title":"Not Found","status":404,"detail":"Not Found","code":"not_found","request_id":"example"}
}
