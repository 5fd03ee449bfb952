package tests

import "testing"

func TestALinkWritesItsEvent(t *testing.T) {
	app, token := withMail(t)
	told := func(kind string) {
		t.Helper()
		all := allEvents(t, app)
		if last := all[len(all)-1]; last.Kind != kind || *last.UserID != app.User("ada@example.com").ID || last.ActorID != nil || last.IP != "127.0.0.1" {
			t.Errorf("%+v, want %s", last, kind)
		}
	}
	verify(app, token).Want(t, 204, "")
	told("email_verified")
	token = resetToken(t, app)
	told("email_verified") // a mail changes nothing
	reset(app, token).Want(t, 204, "")
	told("password_reset")
	root := app.Admin("root@example.com")
	app.Post("/users", `{"email":"bob@example.com"}`, root...).Want(t, 201, "")
	all := allEvents(t, app)
	if last := all[len(all)-1]; last.Kind != "user_created" || *last.ActorID != app.User("root@example.com").ID {
		t.Errorf("an invitation is told as %+v", last)
	}
}
