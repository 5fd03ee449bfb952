package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/latchkey/config"
	part "example.com/latchkey/parts/metrics"
)

// BenchmarkProtectedWithMetrics is BenchmarkProtected with requests that are counted.
func BenchmarkProtectedWithMetrics(b *testing.B) {
	engine, token := newAPI(b, func(s *config.Settings) { config.Of[part.Settings](*s).MetricsAddress = "127.0.0.1:0" })
	request := httptest.NewRequest(http.MethodGet, "/protected", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	serve(b, engine, request, "", http.StatusOK)
}
