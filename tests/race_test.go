package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/models"
)

// The rarest race that these tests look for appears in one of about 20 rounds. The
// other races appear in each run.
const (
	raceRounds = 40
	fewRounds  = 15
)

func TestConcurrentRefreshesGetTheSameTokens(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.JWT.RefreshGrace = time.Hour })
	other := apptest.New(t, func(s *config.Settings) { *s = app.Settings }) // like another process
	app.Register("ada@example.com")
	for range fewRounds {
		_, token := app.Session("ada@example.com")
		var answers [50]kit.Answer
		var do []func()
		for i := range answers {
			do = append(do, func() { answers[i] = []*apptest.App{app, other}[i%2].Refresh(token) })
		}
		kit.Together(do...)
		next := answers[0].Want(t, 200, "").Field("refresh_token")
		for _, answer := range answers {
			if answer.Want(t, 200, "").Field("refresh_token") != next {
				t.Fatal("two refresh tokens are current")
			}
		}
		app.Refresh(next).Want(t, 200, "")
	}
}

// Without a grace period, the second of two uses is a theft. Both sides lose the
// session.
func TestATheftEndsTheSessionForBothSides(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.JWT.RefreshGrace = 0 })
	app.Register("ada@example.com")
	for range fewRounds {
		bearer, token := app.Session("ada@example.com")
		app.Get("/protected", bearer...).Want(t, 200, "")
		var owner, thief kit.Answer
		kit.Together(func() { owner = app.Refresh(token) }, func() { thief = app.Refresh(token) })
		won, lost := owner, thief
		if won.Status != 200 {
			won, lost = thief, owner
		}
		won.Want(t, 200, "")
		lost.Want(t, 401, "token_revoked")
		app.Refresh(won.Field("refresh_token")).Want(t, 401, "token_revoked")
		app.Get("/protected", bearer...).Want(t, 401, "token_revoked")
		app.Get("/protected", kit.Bearer(won.Field("access_token"))...).Want(t, 401, "token_revoked")
	}
}

// Tokens that are issued while a session ends must end with it.
func TestNoTokenOutlivesItsSession(t *testing.T) {
	app := apptest.New(t)
	root := app.Admin("root@example.com")
	const confirm = `{"current_password":"correct horse"}`
	for claim, end := range map[string]func(bearer []string, email string) kit.Answer{
		"logout": func(bearer []string, _ string) kit.Answer { return app.Post("/logout", "", bearer...) },
		"deletion": func(bearer []string, _ string) kit.Answer {
			return app.Do("POST", "/me/delete", strings.NewReader(confirm), bearer...)
		},
		"disabling": func(_ []string, email string) kit.Answer {
			return app.Do("PATCH", "/users/"+app.User(email).ID.String(), strings.NewReader(`{"disabled":true}`), root...)
		},
		"an admin": func(_ []string, email string) kit.Answer {
			return app.Do("DELETE", "/users/"+app.User(email).ID.String()+"/sessions", nil, root...)
		},
	} {
		t.Run(claim, func(t *testing.T) {
			email := strings.ReplaceAll(claim, " ", "") + "@example.com"
			app.Register(email)
			bearer, token := app.Session(email)
			restore := app.Snapshot()
			for range raceRounds {
				restore()
				var ended, refreshed kit.Answer
				use := func() { app.Get("/protected", bearer...) }
				kit.Together(use, use, func() { ended = end(bearer, email) }, use, use, func() { refreshed = app.Refresh(token) }, use, use)
				if ended.Status != 204 && ended.Status != 200 {
					t.Fatal(ended)
				}
				app.Get("/protected", bearer...).Want(t, 401, "token_revoked")
				app.Refresh(token).Want(t, 401, "token_revoked")
				if refreshed.Status == 200 {
					app.Get("/protected", kit.Bearer(refreshed.Field("access_token"))...).Want(t, 401, "token_revoked")
					app.Refresh(refreshed.Field("refresh_token")).Want(t, 401, "token_revoked")
				} else {
					refreshed.Want(t, 401, "token_revoked")
				}
			}
		})
	}
}

// A login with the old password during a password change fails, or its session
// ends with the others.
func TestNoLoginOutlivesItsPassword(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	bearer := app.Login("ada@example.com")
	restore := app.Snapshot()
	for range fewRounds {
		restore()
		logins := make([]kit.Answer, 4)
		login := func(i int) func() {
			return func() {
				logins[i] = app.Post("/login", `{"email":"ada@example.com","password":"correct horse"}`)
			}
		}
		kit.Together(login(0), login(1), func() {
			app.Post("/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`, bearer...).Want(t, 204, "")
		}, login(2), login(3))
		for _, answer := range logins {
			if answer.Status == 200 {
				app.Get("/protected", kit.Bearer(answer.Field("access_token"))...).Want(t, 401, "token_revoked")
				app.Refresh(answer.Field("refresh_token")).Want(t, 401, "token_revoked")
			} else {
				answer.Want(t, 401, "login_failed")
			}
		}
	}
}

// Each admin demotes or deletes the next one, and the last one themself.
func TestOneAdminIsLeftWhenAllRemoveEachOther(t *testing.T) {
	app := apptest.New(t)
	other := apptest.New(t, func(s *config.Settings) { *s = app.Settings })
	var bearers [3][]string
	var paths [3]string
	for n := range bearers {
		email := fmt.Sprint("admin", n, "@example.com")
		bearers[n] = app.Admin(email)
		paths[n] = "/users/" + app.User(email).ID.String()
	}
	restore := app.Snapshot()
	for claim, of := range map[string]struct {
		method, body string
		next         int
	}{
		"each demotes themself":  {"PATCH", `{"role":"user"}`, 0},
		"each demotes the next":  {"PATCH", `{"role":"user"}`, 1},
		"each disables the next": {"PATCH", `{"disabled":true}`, 1},
		"each deletes themself":  {"DELETE", "", 0},
		"each deletes the next":  {"DELETE", "", 1},
	} {
		t.Run(claim, func(t *testing.T) {
			for range fewRounds {
				restore()
				var do []func()
				for n, bearer := range bearers {
					do = append(do, func() {
						[]*apptest.App{app, other}[n%2].Do(of.method, paths[(n+of.next)%3], strings.NewReader(of.body), bearer...)
					})
				}
				kit.Together(do...)
				var left int64
				if app.DB.Model(&models.User{}).Where("role = ? AND NOT disabled", models.RoleAdmin).Count(&left); left == 0 || of.next == 0 && left > 1 {
					t.Fatalf("%d admins are left", left)
				}
			}
		})
	}
}

func TestOneOfTwoDeletionsOfAnAdminSucceeds(t *testing.T) {
	app := apptest.New(t)
	other := apptest.New(t, func(s *config.Settings) { *s = app.Settings })
	root := app.Admin("root@example.com")
	for i := range fewRounds {
		email := fmt.Sprint(i, "@example.com")
		bearer := app.Admin(email)
		path := "/users/" + app.User(email).ID.String()
		var own, by kit.Answer
		kit.Together(func() { own = app.Post("/me/delete", `{"current_password":"correct horse"}`, bearer...) },
			func() { by = other.Do("DELETE", path, nil, root...) })
		if own.Status == 204 {
			by.Want(t, 404, "not_found")
		} else {
			by.Want(t, 204, "")
			own.Want(t, 401, "token_revoked")
		}
		app.Register(email) // it is free
	}
}

func TestOneOfTwoConcurrentPasswordChangesSucceeds(t *testing.T) {
	app := apptest.New(t)
	other := apptest.New(t, func(s *config.Settings) { *s = app.Settings })
	app.Register("ada@example.com")
	bearers := [][]string{app.Login("ada@example.com"), app.Login("ada@example.com")}
	restore := app.Snapshot()
	for range raceRounds {
		restore()
		var answers [2]kit.Answer
		var do []func()
		for i, on := range []*apptest.App{app, other} {
			do = append(do, func() {
				answers[i] = on.Post("/me/password", fmt.Sprintf(`{"current_password":"correct horse","new_password":"new password %d"}`, i), bearers[i]...)
			})
		}
		kit.Together(do...)
		won := 0
		if answers[0].Status != 204 {
			won = 1
		}
		answers[won].Want(t, 204, "")
		answers[1-won].Want(t, 401, "token_revoked")
		app.Post("/login", fmt.Sprintf(`{"email":"ada@example.com","password":"new password %d"}`, won)).Want(t, 200, "")
	}
}
