//go:build generated

// Command drive calls the API at a URL with a client that was generated from its
// document.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	_ "github.com/oapi-codegen/runtime" // imported by generated clients
)

func main() {
	if err := drive(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func drive(ctx context.Context, url string) error {
	api, err := NewClientWithResponses(url)
	if err != nil {
		return err
	}
	user, err := api.AccountRegisterWithResponse(ctx, NewUser{Email: "ada@example.com", Password: "correct horse"})
	if err != nil || user.JSON201 == nil {
		return fmt.Errorf("register: %v, %s", err, user.Body)
	}
	login, err := api.AccountLoginWithResponse(ctx, Credentials{Email: "ada@example.com", Password: "correct horse"})
	if err != nil || login.JSON200 == nil {
		return fmt.Errorf("log in: %v, %s", err, login.Body)
	}
	next, err := api.AccountRefreshWithResponse(ctx, Refresh{RefreshToken: login.JSON200.RefreshToken})
	if err != nil || next.JSON200 == nil {
		return fmt.Errorf("refresh: %v, %s", err, next.Body)
	}
	for _, token := range []string{login.JSON200.AccessToken, next.JSON200.AccessToken} {
		caller, err := api.ProtectedShowWithResponse(ctx, func(_ context.Context, request *http.Request) error {
			request.Header.Set("Authorization", "Bearer "+token)
			return nil
		})
		if err != nil || caller.JSON200 == nil || caller.JSON200.UserId != user.JSON201.Id {
			return fmt.Errorf("protected: %v, %s", err, caller.Body)
		}
	}
	unauthorized, err := api.ProtectedShowWithResponse(ctx)
	if err != nil || unauthorized.ApplicationproblemJSON401 == nil || unauthorized.ApplicationproblemJSON401.Code != "token_missing" {
		return fmt.Errorf("protected without a token: %v, %s", err, unauthorized.Body)
	}
	fmt.Println("all answers have their types")
	return nil
}
