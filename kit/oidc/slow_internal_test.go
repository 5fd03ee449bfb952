package oidc

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/latchkey/kit/problem"
)

func TestAProviderThatDoesNotAnswerIsAway(t *testing.T) {
	ended := make(chan struct{})
	provider := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ended }))
	defer provider.Close()
	defer close(ended)
	p := New("p", Settings{Issuer: provider.URL, ClientID: "client"})
	if p.client.Timeout != requestTimeout {
		t.Errorf("it may take %v", p.client.Timeout)
	}
	p.client.Timeout = time.Millisecond
	if _, err := p.Authorize(t.Context(), "http://127.0.0.1/callback", NewRequest()); !errors.Is(err, problem.Unavailable) {
		t.Errorf("the error is %v", err)
	}
}
