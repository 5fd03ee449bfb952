package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/latchkey/middleware"
	"example.com/latchkey/routes"
)

// BenchmarkProtectedWithMetrics is BenchmarkProtected with requests that are counted.
func BenchmarkProtectedWithMetrics(b *testing.B) {
	counted := func(app *routes.App) {
		app.Middleware = append(app.Middleware, middleware.Metrics(prometheus.NewRegistry()))
	}
	engine, token := newAPI(b, counted)
	request := httptest.NewRequest(http.MethodGet, "/protected", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	serve(b, engine, request, "", http.StatusOK)
}

// BenchmarkMetrics is what metrics add to a request.
func BenchmarkMetrics(b *testing.B) {
	engine := gin.New()
	engine.Use(middleware.Metrics(prometheus.NewRegistry()))
	engine.GET("/", func(*gin.Context) {})
	serve(b, engine, httptest.NewRequest(http.MethodGet, "/", nil), "", http.StatusOK)
}
