package browser_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/seal"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

const email = "ada@example.com"

// asksForCookie is a login that asks for a cookie.
var asksForCookie = strings.Replace(apptest.Credentials(email), "{", `{"session":"cookie",`, 1)

// lagHour caches sessions for longer than any test lasts.
func lagHour(s *config.Settings) { s.JWT.RevocationLag = time.Hour }

// from are the headers of a request of a page, with the cookie.
func from(page []string, cookie string) []string { return append([]string{"Cookie", cookie}, page...) }

var here = []string{"Sec-Fetch-Site", "same-origin"}

// cookiesOf are the cookies that an answer sets.
func cookiesOf(answer kit.Answer) []*http.Cookie {
	return (&http.Response{Header: answer.Header}).Cookies()
}

// logIn logs the user in, and returns the cookie.
func logIn(t *testing.T, app *apptest.App) (cookie string) {
	t.Helper()
	set := cookiesOf(app.Post("/login", asksForCookie, here...).Want(t, 204, ""))
	if len(set) != 1 {
		t.Fatalf("the login sets %v", set)
	}
	return set[0].Name + "=" + set[0].Value
}

// signedIn runs the API with a user and the cookie of a session.
func signedIn(t *testing.T, change ...func(*config.Settings)) (app *apptest.App, cookie string) {
	t.Helper()
	app = apptest.New(t, change...)
	app.Register(email)
	return app, logIn(t, app)
}

// sessionOf is the id in a cookie.
func sessionOf(t *testing.T, cookie string) uuid.UUID {
	t.Helper()
	signed, ok := seal.Parse(strings.TrimPrefix(cookie, "session="), uuid.Size)
	if !ok {
		t.Fatal(cookie)
	}
	return uuid.UUID(signed.Payload)
}

// signed is a cookie that is signed with a key of the server.
func signed(app *apptest.App, id uuid.UUID, use string) string {
	return "session=" + seal.Derive(app.Settings.JWT.Secrets(), use).Sign(id[:], "", "")
}

// update changes the row of a session, or its mark as one of a browser.
func update(t *testing.T, app *apptest.App, cookie, table, column string, value any) {
	t.Helper()
	key := map[string]string{"sessions": "id", "browser_sessions": "session_id"}[table]
	if updated := app.DB.Table(table).Where(key+" = ?", sessionOf(t, cookie)).Update(column, value); updated.Error != nil || updated.RowsAffected != 1 {
		t.Fatal(updated.Error, updated.RowsAffected)
	}
}

// wantDeleted fails the test unless an answer deletes the cookie and sets no other.
func wantDeleted(t *testing.T, answer kit.Answer) {
	t.Helper()
	if set := answer.Header.Values("Set-Cookie"); len(set) != 1 || set[0] != "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax" {
		t.Errorf("the answer sets %v, and does not delete the cookie", set)
	}
}
