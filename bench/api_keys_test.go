package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func BenchmarkProtectedWithKey(b *testing.B) {
	engine, token := newAPI(b)
	made := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodPost, "/keys", strings.NewReader(`{"name":"bench","scope":"read","current_password":"correct horse"}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	engine.ServeHTTP(made, request)
	var answer struct{ Key string }
	if err := json.Unmarshal(made.Body.Bytes(), &answer); err != nil || made.Code != http.StatusCreated {
		b.Fatal(made.Code, err)
	}
	request = httptest.NewRequest(http.MethodGet, "/protected", nil)
	request.Header.Set("Authorization", "Bearer "+answer.Key)
	serve(b, engine, request, "", http.StatusOK)
}
