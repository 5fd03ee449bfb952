package oidc_test

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/totp"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/oidc"
)

// identitiesOf are the subjects of the identities of a user.
func identitiesOf(app *apptest.App, email string) (subjects []string) {
	app.DB.Model(&oidc.Identity{}).Where("user_id = ?", app.User(email).ID).Order("id").Pluck("subject", &subjects)
	return subjects
}

func TestAKnownEmailNeedsProofOnBothSides(t *testing.T) {
	for claim, c := range map[string]struct {
		trusted, said, here bool
		status              int
		ends                bool // what led into the account before
	}{
		"proved on both sides":               {true, true, true, 303, false},
		"proved at the trusted one only":     {true, true, false, 303, true},
		"proved here only":                   {true, false, true, 409, false},
		"proved nowhere":                     {true, false, false, 409, false},
		"said by one that is not trusted":    {false, true, true, 409, false},
		"said by one that is not, not here":  {false, true, false, 409, false},
		"not said by one that is not either": {false, false, false, 409, false},
	} {
		t.Run(claim, func(t *testing.T) {
			p := newFake(t)
			p.Forge(Forgery{User: JSON{"email_verified": c.said}})
			settings := at(map[string]*fakeProvider{"p": p})
			if !c.trusted {
				settings = distrusting(p)
			}
			app := apptest.New(t, settings)
			app.Register(ada)
			app.DB.Model(app.User(ada)).Update("email_verified", c.here)
			app.DB.Create(&oidc.Identity{UserID: app.User(ada).ID, Issuer: "https://other", Subject: "stranger"})
			bearer, refresh := app.Session(ada)
			made := app.Post("/keys", `{"name":"x","scope":"full","current_password":"correct horse"}`, bearer...)
			code := map[int]string{409: "identity_conflict"}[c.status]
			newBrowser(t, app).logIn(appLogin("p")).Want(t, c.status, code)

			want := []string{"stranger", "248289761001"}
			switch {
			case c.ends:
				want = want[1:]
			case c.status == 409:
				want = want[:1]
			}
			if got := identitiesOf(app, ada); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("the identities are %v, want %v", got, want)
			}
			status, login := 200, 200
			if c.ends {
				status, login = 401, 401
			}
			app.Get("/me", bearer...).Want(t, status, "")
			if made.Status == 201 {
				app.Get("/me", kit.Bearer(made.Field("key"))...).Want(t, status, "")
			}
			app.Refresh(refresh).Want(t, status, "")
			app.Post("/login", apptest.Credentials(ada)).Want(t, login, "")
			if got := app.User(ada); got.EmailVerified != (c.here || c.ends) || (got.PasswordHash == "") != c.ends {
				t.Errorf("the user is %+v", got)
			}
		})
	}
}

func TestALoginThatIsRefusedChangesNothing(t *testing.T) {
	app, _ := start(t)
	app.Register(ada)
	app.DB.Model(app.User(ada)).Update("disabled", true)
	newBrowser(t, app).logIn(appLogin("p")).Want(t, 403, "forbidden")
	if got := counts(app); got != [3]int64{1, 0, 0} || app.User(ada).PasswordHash == "" {
		t.Errorf("there are %v", got)
	}

	closed, _ := start(t, func(s *config.Settings) { s.Register.Open = false })
	newBrowser(t, closed).logIn(appLogin("p")).Want(t, 403, "forbidden")
	if got := counts(closed); got != [3]int64{} {
		t.Errorf("there are %v", got)
	}
	closed.Register(ada)
	verified(closed, ada)
	newBrowser(t, closed).logIn(appLogin("p")).Want(t, 303, "")
}

func TestAnIdentityIsFoundByIssuerAndSubject(t *testing.T) {
	p, q := newFake(t), newFake(t)
	app := withProviders(t, map[string]*fakeProvider{"p": p, "q": q})
	newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
	p.Forge(Forgery{User: JSON{"email": "moved@example.com"}})
	newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
	q.Forge(Forgery{User: JSON{"email": "other@example.com"}}) // the same subject, at another issuer
	newBrowser(t, app).logIn(appLogin("q")).Want(t, 303, "")
	if got := counts(app); got != [3]int64{2, 0, 2} || len(identitiesOf(app, ada)) != 1 {
		t.Errorf("there are %v", got)
	}
}

// link begins to link the provider p, and returns the address for the browser.
func link(t *testing.T, app *apptest.App, bearer []string) string {
	t.Helper()
	return app.Post("/me/identities/p", confirmed, bearer...).Want(t, 200, "").Field("url")
}

const confirmed = `{"current_password":"correct horse","return_to":"/settings"}`

func TestASignedInUserLinksAndUnlinks(t *testing.T) {
	app, _ := start(t)
	bearer := login(app)
	app.Post("/me/identities/p", `{}`, bearer...).Want(t, 422, "validation_failed")
	app.Post("/me/identities/p", `{"current_password":"wrong"}`, bearer...).Want(t, 422, "validation_failed")
	app.Post("/me/identities/q", confirmed, bearer...).Want(t, 404, "not_found")
	app.Post("/me/identities/p", strings.Replace(confirmed, "/settings", "//evil", 1), bearer...).Want(t, 422, "validation_failed")
	address := link(t, app, bearer)
	if !strings.HasPrefix(address, app.URL+"/login/p?link=") {
		t.Errorf("the address is %s", address)
	}
	b := newBrowser(t, app)
	if got := b.logIn(address).Want(t, 303, "").Header.Get("Location"); got != "/settings" || b.user() != "" {
		t.Errorf("the browser is at %s", got)
	}
	b.get(address).Want(t, 401, "login_failed")
	if got := identitiesOf(app, "bob@example.com"); len(got) != 1 || counts(app) != [3]int64{1, 1, 1} {
		t.Errorf("linked %v, %v", got, counts(app))
	}
	list := app.Get("/me/identities", bearer...).Want(t, 200, "").Body
	if !strings.Contains(list, `"provider":"p"`) || strings.Contains(list, "248289761001") {
		t.Errorf("the list is %s", list)
	}
	newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "") // as bob, whatever email the provider tells
	if got := counts(app); got != [3]int64{1, 1, 1} {
		t.Errorf("there are %v", got)
	}
	b.logIn(link(t, app, bearer)).Want(t, 303, "") // again
	app.Register("eve@example.com")
	if got := b.logIn(link(t, app, app.Login("eve@example.com"))).Want(t, 409, "identity_conflict"); len(identitiesOf(app, "eve@example.com")) > 0 {
		t.Error(got.Body)
	}

	var id string
	app.DB.Model(&oidc.Identity{}).Pluck("id", &id)
	app.Do("DELETE", "/me/identities/"+id, nil, app.Login("eve@example.com")...).Want(t, 404, "not_found")
	app.Do("DELETE", "/me/identities/"+id, nil, bearer...).Want(t, 204, "")
	app.Do("DELETE", "/me/identities/"+id, nil, bearer...).Want(t, 404, "not_found")
}

func TestALinkIsForItsUserAlone(t *testing.T) {
	app, _ := start(t)
	bearer := login(app)
	b := newBrowser(t, app)
	back := b.approved(link(t, app, bearer))
	app.Do("POST", "/logout", nil, bearer...).Want(t, 204, "")
	b.get(back).Want(t, 401, "token_revoked") // the session that began it has ended
	needCookies(t, app)
	own, victim := newBrowser(t, app), newBrowser(t, app)
	victim.logIn("/login/p").Want(t, 303, "")
	victim.get(link(t, app, app.Login("bob@example.com"))).Want(t, 401, "login_failed") // signed in as somebody else
	if got := identitiesOf(app, "bob@example.com"); len(got) > 0 {
		t.Errorf("linked %v", got)
	}
	own.send("POST", "/login", `{"email":"bob@example.com","password":"correct horse","session":"cookie"}`).Want(t, 204, "")
	own.get(link(t, app, app.Login("bob@example.com"))).Want(t, 303, "") // with another session of the same user
}

func TestTheLastWayInStays(t *testing.T) {
	p, q := newFake(t), newFake(t)
	app := withProviders(t, map[string]*fakeProvider{"p": p, "q": q})
	needTokens(t, app)
	bearer := kit.Bearer(redeem(app, codeFor(t, app), nil).Want(t, 200, "").Field("access_token"))
	var first oidc.Identity
	app.DB.Take(&first)
	unlink := func(id fmt.Stringer, status int, code string) {
		t.Helper()
		app.Do("DELETE", "/me/identities/"+id.String(), nil, bearer...).Want(t, status, code)
	}
	unlink(first.ID, 409, "last_way_in")
	gone := oidc.Identity{UserID: first.UserID, Issuer: "https://gone", Subject: "x"} // the settings have it no more
	app.DB.Create(&gone)
	unlink(first.ID, 409, "last_way_in")
	unlink(gone.ID, 204, "")
	app.DB.Create(&oidc.Identity{UserID: first.UserID, Issuer: q.URL, Subject: "x"})
	unlink(first.ID, 204, "")
	newBrowser(t, app).logIn(appLogin("q")) // somebody else's

	// A session that began a short time ago confirms that there is a password now.
	app.Post("/me/password", `{"new_password":"battery staple"}`, bearer...).Want(t, 204, "")
	var last oidc.Identity
	app.DB.Take(&last, "user_id = ?", first.UserID)
	unlink(last.ID, 204, "")
}

// reset chooses a new password, as a link in a mail does.
func reset(t *testing.T, app *apptest.App, email string, wasUnverified bool) {
	t.Helper()
	err := app.Accounts.WithUser(t.Context(), app.User(email).ID, func(tx *gorm.DB, user models.User) error {
		return app.Accounts.SetHash(tx, accounts.Event{Kind: accounts.PasswordReset, User: user, WasUnverified: wasUnverified}, "x")
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAResetEndsWhatOthersMayHaveLinked(t *testing.T) {
	for claim, c := range map[string]struct {
		proved, email string // by the provider, and now of the account
		unverified    bool
		left          int
	}{
		"the email was proved":             {ada, ada, false, 1},
		"no email was proved":              {"", ada, false, 0},
		"the email was changed since then": {ada, "other@example.com", false, 0},
		"the account had not proved it":    {ada, ada, true, 0},
	} {
		app, p := start(t)
		p.Forge(Forgery{User: JSON{"email_verified": c.proved != ""}})
		newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
		verified(app, ada)
		app.DB.Model(app.User(ada)).Update("email", c.email)
		if reset(t, app, c.email, c.unverified); len(identitiesOf(app, c.email)) != c.left {
			t.Errorf("%s: left %d", claim, len(identitiesOf(app, c.email)))
		}
	}
}

func TestAResetEndsWhatASignedInUserLinked(t *testing.T) {
	app, _ := start(t)
	newBrowser(t, app).logIn(link(t, app, login(app))).Want(t, 303, "")
	if reset(t, app, "bob@example.com", false); len(identitiesOf(app, "bob@example.com")) > 0 {
		t.Error("the account of somebody else stays linked")
	}
}

func TestTheOwnerIsToldOfANewWayIn(t *testing.T) {
	for claim, c := range map[string]struct {
		before func(app *apptest.App)
		text   string
	}{
		"a new user is not":      {func(*apptest.App) {}, ""},
		"who is linked is":       {func(app *apptest.App) { app.Register(ada); verified(app, ada) }, "identity_new"},
		"who takes over is told": {func(app *apptest.App) { app.Register(ada) }, "identity_takeover"},
	} {
		t.Run(claim, func(t *testing.T) {
			app, _ := start(t)
			if app.Post("/email/verify", "{}").Status == 404 {
				t.Skip("the program sends no mails")
			}
			c.before(app)
			newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
			if err := app.Accounts.DeleteUser(t.Context(), app.User(ada).ID); err != nil { // the last mail is about it
				t.Fatal(err)
			}
			app.RunJobs()
			var sent []string
			for len(sent) == 0 || sent[len(sent)-1] != "user_deleted" {
				sent = append(sent, app.NextMessage().Text)
			}
			if got := strings.Join(sent, " "); strings.Contains(got, "identity") != (c.text != "") || !strings.Contains(got, c.text) {
				t.Errorf("sent %s", got)
			}
		})
	}
}

func TestASecondFactorIsStillAsked(t *testing.T) {
	for _, of := range []string{"own", "provider"} {
		t.Run(of, func(t *testing.T) {
			app, _ := start(t, func(s *config.Settings) { config.Of[oidc.Settings](*s).SecondFactor = of })
			needCookies(t, app)
			app.Register(ada)
			verified(app, ada)
			code := withCodes(t, app, app.Login(ada))
			b := newBrowser(t, app)
			back := b.approved("/login/p?return_to=/me")
			answer := b.get(back)
			if of == "provider" {
				answer.Want(t, 303, "")
				return
			}
			if answer.Status != 200 || !strings.Contains(answer.Body, `name="otp"`) || b.user() != "" {
				t.Fatal(answer.Status, answer.Body)
			}
			var state string
			for name := range b.cookies {
				state = strings.TrimPrefix(name, "login-")
			}
			send := func(otp string, headers ...string) kit.Answer {
				return b.send("POST", "/login/p/callback", `{"state":"`+state+`","otp":"`+otp+`"}`, headers...)
			}
			if again := b.get(back); again.Status != 200 || again.Body != answer.Body {
				t.Errorf("the page is lost when it is loaded again: %d %s", again.Status, again.Body)
			}
			if got := send("000000").Want(t, 401, "login_failed").Field("detail"); got != "The one-time code is not right" {
				t.Error(got)
			}
			send(code(), "Sec-Fetch-Site", "cross-site").Want(t, 403, "forbidden")
			kept := b.cookies["login-"+state]
			if got := send(code()).Want(t, 200, "").Field("url"); got != "/me" || b.user() != ada {
				t.Errorf("the browser is at %s as %s", got, b.user())
			}
			b.cookies["login-"+state] = kept
			send(code()).Want(t, 401, "login_failed") // it works once
			delete(b.cookies, "login-"+state)
			send(code()).Want(t, 422, "validation_failed")

			needTokens(t, app)
			redeemable := codeFor(t, app)
			for otp, want := range map[string]string{"": "One-time code required", "000000": "The one-time code is not right"} {
				if got := redeem(app, redeemable, url.Values{"otp": {otp}}); got.Status != 400 || got.Field("error_description") != want {
					t.Errorf("%q is answered %d %s", otp, got.Status, got.Body)
				}
			}
			redeem(app, redeemable, url.Values{"otp": {code()}}).Want(t, 200, "")
		})
	}
}

// withCodes turns one-time codes on, and returns a function that makes unused ones. It skips
// a test in a program without them.
func withCodes(t *testing.T, app *apptest.App, bearer []string) func() string {
	t.Helper()
	made := app.Post("/me/totp", `{"current_password":"correct horse"}`, bearer...)
	if made.Status == 404 {
		t.Skip("the program has no one-time codes")
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(made.Field("secret"))
	if err != nil {
		t.Fatal(err)
	}
	on := app.Post("/me/totp/confirm", `{"otp":"`+totp.Secret(secret).At(time.Now().Unix()/30)+`"}`, bearer...).Want(t, 200, "")
	var recovery struct {
		Codes []string `json:"recovery_codes"`
	}
	if err := json.Unmarshal([]byte(on.Body), &recovery); err != nil {
		t.Fatal(err)
	}
	return func() string {
		code := recovery.Codes[0]
		recovery.Codes = recovery.Codes[1:]
		return code
	}
}

func TestANewUserCountsAsARegistration(t *testing.T) {
	app, _ := start(t, func(s *config.Settings) { s.Login.MaxFailures = 1 })
	for i := range 10 { // an address may do ten times as much as an account
		app.Serve("POST", "/register", fmt.Sprintf(`{"email":"user%d@example.com","password":"correct horse"}`, i), "Content-Type", "application/json").Want(t, 201, "")
	}
	newBrowser(t, app).logIn(appLogin("p")).Want(t, 429, "too_many_attempts")
	if got := counts(app); got != [3]int64{10, 0, 0} {
		t.Errorf("there are %v", got)
	}
}

func TestTwoLoginsOfANewUserAreOneUser(t *testing.T) {
	app, p := start(t)
	user := models.User{Email: ada, Role: models.RoleUser, EmailVerified: true}
	read := 0
	kit.Watch(t, app.App, func(db *gorm.DB) { // another process is first, with the user and then with the identity
		if db.Statement.Table != "users" || !strings.HasPrefix(db.Statement.SQL.String(), "SELECT") {
			return
		}
		switch read++; read {
		case 1:
			app.DB.Create(&user)
		case 2:
			app.DB.Create(&oidc.Identity{UserID: user.ID, Issuer: p.URL, Subject: "248289761001"})
		}
	})
	newBrowser(t, app).logIn(appLogin("p")).Want(t, 303, "")
	if got := counts(app); got != [3]int64{1, 0, 1} {
		t.Errorf("there are %v", got)
	}
}
