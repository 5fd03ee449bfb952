package oidc_test

import (
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/routes"
)

func TestTheRoutesKeepWhatEveryRoutePromises(t *testing.T) {
	p := newFake(t)
	rules := apptest.Rules()
	rules.Start = func(t testing.TB) *kit.App {
		t.Helper()
		return apptest.New(t, at(map[string]*fakeProvider{"p": p})).App
	}
	rules.Public = append(rules.Public, "GET /login/:provider", "GET /login/:provider/callback", "POST /login/:provider/callback")
	kit.Hold(t, rules)
}

func TestTheDocumentDescribesTheRoutes(t *testing.T) {
	app, _ := start(t)
	text, err := routes.Document(app.Program)
	for _, path := range []string{"/login/{provider}", "/login/{provider}/callback", "/me/identities", "/me/identities/{provider}", "/me/identities/{id}"} {
		if err != nil || !strings.Contains(string(text), `"`+path+`"`) {
			t.Errorf("the document has no %s: %v", path, err)
		}
	}
}
