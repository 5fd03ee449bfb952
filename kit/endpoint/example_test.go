package endpoint_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
)

type greeting struct {
	Name string `query:"name" binding:"required,max=20"`
}

func greet(_ context.Context, in greeting) (string, error) { return "Hello, " + in.Name, nil }

// A typed function is a route of any Gin engine.
func ExamplePublic() {
	gin.SetMode(gin.ReleaseMode)
	route := endpoint.Public("GET", "/hello", "Say hello", greet)
	engine := gin.New()
	engine.Handle(route.Method, route.Path, route.Handlers()...)

	for _, path := range []string{"/hello?name=Ada", "/hello"} {
		answer := httptest.NewRecorder()
		engine.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), "GET", path, nil))
		fmt.Println(answer.Code, answer.Body)
	}
	// Output:
	// 200 "Hello, Ada"
	// 422 {"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"The request has invalid fields","code":"validation_failed","request_id":"","errors":[{"field":"name","message":"is a required field"}]}
}
