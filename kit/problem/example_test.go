package problem_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

// A handler returns or writes a problem, and a package declares the ones that it answers.
func ExampleWrite() {
	gin.SetMode(gin.ReleaseMode)
	soldOut := &problem.Problem{Status: 409, Code: "sold_out", Detail: "There is none left"}
	engine := gin.New()
	engine.GET("/", func(c *gin.Context) { problem.Write(c, soldOut) })

	answer := httptest.NewRecorder()
	engine.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), "GET", "/", nil))
	fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	fmt.Println(answer.Body)
	// Output:
	// 409 application/problem+json
	// {"type":"about:blank","title":"Conflict","status":409,"detail":"There is none left","code":"sold_out","request_id":""}
}
