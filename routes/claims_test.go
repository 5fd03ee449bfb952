package routes_test

import (
	"context"
	"errors"
	"testing"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/models"
	"example.com/latchkey/routes"
)

func TestClaimsOfTheProgramAreInEveryTokenOfASession(t *testing.T) {
	app, _, refresh := apptest.SignedIn(t)
	var failed error
	program := app.Program
	program.Accounts.Claims = []accounts.Claims{
		func(context.Context, models.Session) (map[string]any, error) {
			return map[string]any{"plan": "gold"}, failed
		},
		func(_ context.Context, session models.Session) (map[string]any, error) {
			return map[string]any{"began": session.ID}, nil
		},
	}
	engine, err := routes.Engine(program)
	if err != nil {
		t.Fatal(err)
	}
	app.Engine = engine
	send := func(path, body string) kit.Answer {
		return app.Serve("POST", path, body, "Content-Type", "application/json")
	}
	for path, body := range map[string]string{"/login": apptest.Credentials("ada@example.com"), "/refresh": `{"refresh_token":"` + refresh + `"}`} {
		_, claims := kit.DecodeToken(t, send(path, body).Want(t, 200, "").Field("access_token"))
		if claims["plan"] != "gold" || claims["began"] != claims["sid"] {
			t.Errorf("%s: the claims are %v", path, claims)
		}
	}
	failed = errors.New("there is no plan")
	send("/login", apptest.Credentials("ada@example.com")).Want(t, 500, "internal")
}
