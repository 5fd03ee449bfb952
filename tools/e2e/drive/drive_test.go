//go:build generated

// Package drive calls the API at a URL with a client that was generated from its document.
package drive

import (
	"context"
	"net/http"
	"os"
	"testing"

	_ "github.com/oapi-codegen/runtime" // imported by generated clients
)

func TestAllAnswersHaveTheirTypes(t *testing.T) {
	ctx := t.Context()
	api, err := NewClientWithResponses(os.Getenv("API_URL"))
	if err != nil {
		t.Fatal(err)
	}
	user, err := api.AccountRegisterWithResponse(ctx, NewUser{Email: "ada@example.com", Password: "correct horse"})
	if err != nil || user.JSON201 == nil {
		t.Fatalf("register: %v, %s", err, user.Body)
	}
	login, err := api.AccountLoginWithResponse(ctx, Credentials{Email: "ada@example.com", Password: "correct horse"})
	if err != nil || login.JSON200 == nil {
		t.Fatalf("log in: %v, %s", err, login.Body)
	}
	next, err := api.AccountRefreshWithResponse(ctx, Refresh{RefreshToken: login.JSON200.RefreshToken})
	if err != nil || next.JSON200 == nil {
		t.Fatalf("refresh: %v, %s", err, next.Body)
	}
	for _, token := range []string{login.JSON200.AccessToken, next.JSON200.AccessToken} {
		caller, err := api.ProtectedShowWithResponse(ctx, func(_ context.Context, request *http.Request) error {
			request.Header.Set("Authorization", "Bearer "+token)
			return nil
		})
		if err != nil || caller.JSON200 == nil || caller.JSON200.UserId != user.JSON201.Id {
			t.Fatalf("protected: %v, %s", err, caller.Body)
		}
	}
	unauthorized, err := api.ProtectedShowWithResponse(ctx)
	if err != nil || unauthorized.ApplicationproblemJSON401 == nil || unauthorized.ApplicationproblemJSON401.Code != "token_missing" {
		t.Fatalf("protected without a token: %v, %s", err, unauthorized.Body)
	}
}
