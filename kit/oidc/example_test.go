package oidc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"example.com/latchkey/kit/oidc"
	"example.com/latchkey/kit/problem"
)

// A login begins with the address of the provider, and ends with what it says of the user. The
// Request is kept where only the browser of the user has it.
func Example() {
	away := true
	var provider *httptest.Server
	provider = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if away {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, `{"issuer": %q, "authorization_endpoint": %[1]q, "token_endpoint": %[1]q, "jwks_uri": %[1]q}`, provider.URL)
	}))
	defer provider.Close()
	google := oidc.New("google", oidc.Settings{Issuer: provider.URL, ClientID: "1234"})

	ctx, callback, request := context.Background(), "https://api.example.com/login/google/callback", oidc.NewRequest()
	_, err := google.Authorize(ctx, callback, request)
	fmt.Println(errors.Is(err, problem.Unavailable))

	away = false
	address, err := google.Authorize(ctx, callback, request)
	at, _ := url.Parse(address)
	fmt.Println(err, at.Query().Get("scope"), at.Query().Get("state") == request.State)

	other := "https://other.example.com"
	_, err = google.Redeem(ctx, callback, oidc.Answer{Code: "…", Issuer: &other}, request)
	fmt.Println(err)
	// Output:
	// true
	// <nil> openid email profile true
	// the answer of the provider is refused: iss is not that of this provider
}
