package routes_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/throttle"
)

// confirmed are the routes that need a confirmation, each with the rest of the body that
// is its example in the document.
func confirmed(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for path, item := range described(t).Paths.Map() {
		if item.Post == nil || item.Post.RequestBody == nil {
			continue
		}
		content := item.Post.RequestBody.Value.Content["application/json"]
		if content == nil || content.Schema.Value.Properties["current_password"] == nil {
			continue
		}
		rest := maps.Clone(content.Example.(map[string]any))
		delete(rest, "current_password")
		delete(rest, "otp")
		body, err := json.Marshal(rest)
		if err != nil {
			t.Fatal(err)
		}
		if all[path] = ""; len(rest) > 0 {
			all[path] = "," + strings.Trim(string(body), "{}")
		}
	}
	if len(all) < 3 {
		t.Fatalf("only %v need a confirmation", all)
	}
	return all
}

func confirm(app *apptest.App, path, rest, proof string, bearer []string) kit.Answer {
	return app.Post(path, `{`+strings.TrimPrefix(proof+rest, ",")+`}`, bearer...)
}

func wantField(t *testing.T, answer kit.Answer, field, says string) {
	t.Helper()
	if answer.Want(t, 422, "validation_failed"); !strings.Contains(answer.Body, `{"field":"`+field+`","message":"`+says+`"}`) {
		t.Errorf("%s, want %s %s", answer.Body, field, says)
	}
}

func TestAConfirmationNeedsThePassword(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	for path, rest := range confirmed(t) {
		for proof, says := range map[string]string{"": "is needed to confirm this", `,"current_password":""`: "is needed to confirm this", `,"current_password":"wrong"`: "is not right"} {
			wantField(t, confirm(app, path, rest, proof, bearer), "current_password", says)
		}
		app.DB.Where("true").Delete(&throttle.Failures{})
	}
}

// As a user who logs in with a provider.
func TestAUserWithoutAPasswordConfirmsByANewLogin(t *testing.T) {
	for path, rest := range confirmed(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			app, bearer, _ := apptest.SignedIn(t)
			app.DB.Model(app.User("ada@example.com")).Update("password_hash", "")
			app.Post("/login", `{"email":"ada@example.com","password":""}`).Want(t, 422, "validation_failed")
			moveBack(t, app, "created_at", 15*time.Minute)
			if answer := confirm(app, path, rest, "", bearer).Want(t, 403, "forbidden"); answer.Field("detail") != "Log in again" {
				t.Error(answer.Body)
			}
			moveBack(t, app, "created_at", -time.Minute)
			if answer := confirm(app, path, rest, "", bearer); answer.Status == 403 || strings.Contains(answer.Body, "current_password") {
				t.Error(answer.Status, answer.Body)
			}
		})
	}
}
