package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/page"
)

// A page is a template, with the style of the other pages.
func Example() {
	pages := page.Parse(nil, fstest.MapFS{"failed.html": {Data: []byte(`{{template "head" "The login failed"}}
<main class="small card">
<h1>The login failed</h1>
<p>{{.}}</p>
</main>
{{template "foot"}}`)}}, "*.html")
	engine := gin.New()
	engine.GET("/failed", func(c *gin.Context) { pages.Write(c, http.StatusBadRequest, "failed.html", "Accounts & keys") })

	answer := httptest.NewRecorder()
	engine.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/failed", nil))
	fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	fmt.Println(strings.Contains(answer.Body.String(), "<p>Accounts &amp; keys</p>"))
	// Output:
	// 400 text/html; charset=utf-8
	// true
}
