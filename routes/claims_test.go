package routes_test

import (
	"net/http/httptest"
	"testing"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/middleware"
)

func TestAClaimOfTheProgramIsInTheContextOfItsRequests(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	text, err := app.Auth.Tokens.Issue(token.Claims{
		Subject: app.User("ada@example.com").ID, Session: uuid.FromStringOrNil(sessionOf(t, bearer)),
		More: map[string]any{"plan": "gold"},
	})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	identity, _, err := middleware.ByAccessToken(app.Auth.Tokens, app.Auth.Sessions)(request, text)
	if plan := accounts.ClaimsFrom(accounts.WithIdentity(t.Context(), identity))["plan"]; err != nil || plan != "gold" {
		t.Errorf("the plan is %v, %v", plan, err)
	}
}
