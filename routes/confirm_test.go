package routes_test

import (
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/throttle"
)

func TestAConfirmationNeedsThePassword(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	confirmed := app.RoutesWith("current_password", "otp")
	for path, body := range confirmed {
		kit.WantField(t, app.Post(path, kit.With(body, nil), bearer...), "current_password", "is needed to confirm this")
		for typed, says := range map[string]string{"": "is needed to confirm this", "wrong": "is not right"} {
			kit.WantField(t, app.Post(path, kit.With(body, map[string]any{"current_password": typed}), bearer...), "current_password", says)
		}
		app.DB.Where("true").Delete(&throttle.Failures{})
	}
	if len(confirmed) < 3 {
		t.Errorf("only %v need a confirmation", confirmed)
	}
}

// As a user who logs in with a provider.
func TestAUserWithoutAPasswordConfirmsByANewLogin(t *testing.T) {
	for path, body := range apptest.New(t).RoutesWith("current_password", "otp") {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			app, bearer, _ := apptest.SignedIn(t)
			app.DB.Model(app.User("ada@example.com")).Update("password_hash", "")
			app.Post("/login", `{"email":"ada@example.com","password":""}`).Want(t, 422, "validation_failed")
			for range 2 { // the second time, its session began by a clock that was ahead
				moveBack(t, app, "created_at", 15*time.Minute)
				if answer := app.Post(path, kit.With(body, nil), bearer...).Want(t, 403, "forbidden"); answer.Field("detail") != "Log in again" {
					t.Error(answer.Body)
				}
				moveBack(t, app, "created_at", -time.Hour)
			}
			moveBack(t, app, "created_at", 90*time.Minute+time.Second)
			if answer := app.Post(path, kit.With(body, nil), bearer...); answer.Status == 403 || strings.Contains(answer.Body, "current_password") {
				t.Error(answer.Status, answer.Body)
			}
		})
	}
}
