package tests

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/parts/apikeys"
)

func TestTheNoticeAndTheEventsOfAKeyAreOfItsTransaction(t *testing.T) {
	app, _ := withMail(t)
	bearer := app.Login("ada@example.com")
	id, _ := newKey(t, app, bearer, apikeys.ScopeRead)
	wantMail(t, app, "key_created")
	app.Do("DELETE", "/keys/"+id, nil, bearer...).Want(t, 204, "")
	wantNoMail(t, app)
	var answer struct {
		Items []struct {
			Kind      string
			SessionID string `json:"session_id"`
			Details   struct {
				KeyID string `json:"key_id"`
				Name  string
				Scope string
			}
		}
	}
	if err := json.Unmarshal([]byte(app.Get("/me/events?limit=2", bearer...).Want(t, 200, "").Body), &answer); err != nil {
		t.Fatal(err)
	}
	for i, kind := range []string{"key_deleted", "key_created"} {
		event := answer.Items[i]
		if event.Kind != kind || event.Details.KeyID != id || event.Details.Name != "Nightly" || event.Details.Scope != "read" || event.SessionID != sid(t, bearer) {
			t.Errorf("%+v, want %s", event, kind)
		}
	}
	kept, _ := newKey(t, app, bearer, apikeys.ScopeRead)
	if err := app.DB.Exec("ALTER TABLE events RENAME TO away").Error; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.DB.Exec("ALTER TABLE away RENAME TO events") })
	app.Post("/keys", `{"current_password":"correct horse","name":"x","scope":"read"}`, bearer...).Want(t, 500, "internal")
	app.Do("DELETE", "/keys/"+kept, nil, bearer...).Want(t, 500, "internal")
	var keys int64
	if app.DB.Model(&apikeys.APIKey{}).Count(&keys); keys != 1 {
		t.Errorf("%d keys, want the one of before", keys)
	}
}

// A stranger may have made it, before or after the owner of the mailbox verified the email.
func TestAResetEndsKeys(t *testing.T) {
	app, token := withMail(t)
	verify(app, token).Want(t, 204, "")
	_, key := newKey(t, app, app.Login("ada@example.com"), apikeys.ScopeFull)
	wantMail(t, app, "key_created")
	app.Get("/protected", kit.Bearer(key)...).Want(t, 200, "") // cached
	reset(app, resetToken(t, app)).Want(t, 204, "")
	app.Get("/protected", kit.Bearer(key)...).Want(t, 401, "token_revoked")
	if keys := fmt.Sprint(lastEvent(t, app, "password_reset").Details["keys"]); keys != "[Nightly]" {
		t.Errorf("the reset ended the keys %s", keys)
	}
}

// What a key does has its user as the actor, and no session.
func TestTheEventsOfWhatAKeyDoes(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	_, key := newKey(t, app, bearer, apikeys.ScopeFull)
	app.Do("PATCH", "/me", strings.NewReader(`{"name":"Ada"}`), kit.Bearer(key)...).Want(t, 200, "")
	all := allEvents(t, app)
	if last := all[len(all)-1]; last.Kind != "user_changed" || last.ActorID == nil || *last.ActorID != app.User("ada@example.com").ID || last.SessionID != nil {
		t.Errorf("%+v", last)
	}
}
