package tests

import (
	"testing"

	"example.com/latchkey/app/apptest"
)

func TestARevokedTokenIsALogout(t *testing.T) {
	app, bearer, refresh := apptest.SignedIn(t)
	for range 2 { // the second time, there is nothing to tell
		app.Post("/revoke", "token="+refresh, "Content-Type", form).Want(t, 200, "")
	}
	all := allEvents(t, app)
	if last := all[len(all)-1]; len(all) != 3 || last.Kind != "logout" || last.SessionID.String() != sid(t, bearer) {
		t.Errorf("%+v", all)
	}
}
