package endpoint_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
)

func BenchmarkABodyIsBound(b *testing.B) {
	type line struct {
		Name  string `json:"name" binding:"required,max=40"`
		Count int    `json:"count" binding:"min=1"`
	}
	type order struct {
		ID    string   `path:"id"`
		Page  int      `query:"page" binding:"max=100"`
		Email string   `json:"email" binding:"required,email,max=254"`
		Title string   `json:"title" binding:"required,max=200"`
		Gift  *bool    `json:"gift"`
		Tags  []string `json:"tags" binding:"max=10,dive,max=20"`
		Lines []line   `json:"lines" binding:"dive"`
	}
	route := endpoint.Public("POST", "/orders/:id", "", func(context.Context, order) (endpoint.None, error) { return endpoint.None{}, nil })
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Handle(route.Method, route.Path, route.Handlers()...)
	const body = `{"email":"ada@example.com","title":"Books","gift":true,"tags":["a","b"],"lines":[{"name":"Pride","count":1},{"name":"Emma","count":2}]}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(context.Background(), "POST", "/orders/7?page=2", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		recorder := httptest.NewRecorder()
		if engine.ServeHTTP(recorder, r); recorder.Code != 204 {
			b.Fatal(recorder.Code, recorder.Body)
		}
	}
}
