package routes_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"gorm.io/gorm"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/models"
)

// meanwhile runs change in a transaction while a request waits for it. The request
// has read its data and not written yet.
func meanwhile(t *testing.T, app *apptest.App, request func() kit.Answer, change func(tx *gorm.DB) error) kit.Answer {
	t.Helper()
	writer, err := app.DB.DB()
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan kit.Answer, 1)
	err = app.DB.Transaction(func(tx *gorm.DB) error {
		if err := change(tx); err != nil {
			return err
		}
		before := writer.Stats().WaitCount
		go func() { answer <- request() }()
		for waits := false; !waits; time.Sleep(time.Millisecond) {
			waits = writer.Stats().WaitCount > before
			if kit.OnPostgreSQL() {
				tx.Raw("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))").Scan(&waits)
			}
			if len(answer) > 0 {
				return fmt.Errorf("the request did not wait: %+v", <-answer)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return <-answer
}

// A change that needs the current password is made only if the password and the
// session are still valid at that moment.
func TestAChangeFailsIfItsPasswordIsNoLongerValid(t *testing.T) {
	hash := func(password string, cost int) string {
		made, err := bcrypt.GenerateFromPassword([]byte(password), cost)
		if err != nil {
			t.Fatal(err)
		}
		return string(made)
	}
	set := func(column string, value any) func(*gorm.DB) error {
		return func(tx *gorm.DB) error {
			return tx.Model(&models.User{}).Where("email = 'ada@example.com'").Update(column, value).Error
		}
	}
	requests := []struct{ method, path, body string }{
		{"POST", "/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`},
		{"POST", "/me/email", `{"current_password":"correct horse","email":"eve@example.com"}`},
		{"POST", "/me/delete", `{"current_password":"correct horse"}`},
	}
	for claim, c := range map[string]struct {
		change func(tx *gorm.DB) error
		status int
		code   string
	}{
		"another password is set":            {set("password_hash", hash("new password", 4)), 401, "token_revoked"},
		"the same password is rehashed":      {set("password_hash", hash(apptest.Password, 5)), 0, ""},
		"the user is deleted":                {func(tx *gorm.DB) error { return tx.Where("true").Delete(&models.User{}).Error }, 401, "token_revoked"},
		"the session ends":                   {func(tx *gorm.DB) error { return tx.Where("true").Delete(&models.Session{}).Error }, 401, "token_revoked"},
		"an unrelated field changes: a role": {set("role", "admin"), 0, ""},
		"the session is revoked": {func(tx *gorm.DB) error {
			return tx.Model(&models.Session{}).Where("true").Update("revoked_at", tx.NowFunc()).Error
		}, 401, "token_revoked"},
	} {
		for _, r := range requests {
			t.Run(r.method+" "+r.path+" while "+claim, func(t *testing.T) {
				t.Parallel()
				app, bearer, _ := apptest.SignedIn(t)
				if strings.Contains(claim, "a role") { // the last admin stays
					app.Admin("root@example.com")
				}
				answer := meanwhile(t, app, func() kit.Answer { return app.Do(r.method, r.path, strings.NewReader(r.body), bearer...) }, c.change)
				if c.code == "" {
					if answer.Status >= 300 {
						t.Error(answer)
					}
					return
				}
				answer.Want(t, c.status, c.code)
				var changed int64
				app.DB.Model(&models.User{}).Where("email = 'eve@example.com'").Count(&changed)
				if login := app.Post("/login", `{"email":"ada@example.com","password":"battery staple"}`); changed > 0 || login.Status == 200 {
					t.Error("the change was made")
				}
			})
		}
	}
}

func TestALoginChecksThePasswordAgainAfterHashing(t *testing.T) {
	for claim, c := range map[string]struct {
		hashOf string
		status int
		code   string
	}{
		"the same password, rehashed": {apptest.Password, 200, ""},
		"another password":            {"battery staple", 401, "login_failed"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			app, _, _ := apptest.SignedIn(t)
			fresh, err := bcrypt.GenerateFromPassword([]byte(c.hashOf), 4)
			if err != nil {
				t.Fatal(err)
			}
			meanwhile(t, app, func() kit.Answer {
				return app.Post("/login", `{"email":"ada@example.com","password":"correct horse"}`)
			}, func(tx *gorm.DB) error {
				return tx.Model(&models.User{}).Where("true").Update("password_hash", string(fresh)).Error
			}).Want(t, c.status, c.code)
		})
	}
}

func TestConcurrentLoginsSucceedAfterACostChange(t *testing.T) {
	app := apptest.New(t)
	other := apptest.New(t, func(s *config.Settings) { *s = app.Settings; s.Password.BcryptCost = 5 }) // a replica that is not restarted yet
	app.Register("ada@example.com")
	old, err := bcrypt.GenerateFromPassword([]byte(apptest.Password), 6)
	if err != nil {
		t.Fatal(err)
	}
	app.DB.Model(&models.User{}).Where("true").Update("password_hash", string(old))
	var do []func()
	for i := range 30 {
		do = append(do, func() { []*apptest.App{app, other}[i%2].Login("ada@example.com") })
	}
	kit.Together(do...)
}

// Another process deletes the user, and this process has not noticed it.
func TestADeletedUserChangesNothing(t *testing.T) {
	app, _, _ := apptest.SignedIn(t, func(s *config.Settings) { s.JWT.RevocationLag = time.Hour })
	other := apptest.New(t, func(s *config.Settings) { *s = app.Settings })
	root := app.Admin("root@example.com")
	for i, r := range []struct{ method, path, body string }{
		{"POST", "/me/delete", `{"current_password":"correct horse"}`},
		{"POST", "/me/email", `{"current_password":"correct horse","email":"eve@example.com"}`},
		{"POST", "/me/password", `{"current_password":"correct horse","new_password":"battery staple"}`},
	} {
		email := fmt.Sprint(i, "@example.com")
		app.Register(email)
		bearer := app.Login(email)
		other.Get("/protected", bearer...).Want(t, 200, "")
		app.Do("POST", "/me/delete", strings.NewReader(`{"current_password":"correct horse"}`), bearer...).Want(t, 204, "")
		other.Do(r.method, r.path, strings.NewReader(r.body), bearer...).Want(t, 401, "token_revoked")
	}
	gone := app.User("ada@example.com").ID.String()
	meanwhile(t, app, func() kit.Answer {
		return app.Do("PATCH", "/users/"+gone, strings.NewReader(`{"role":"admin"}`), root...)
	}, func(tx *gorm.DB) error { return tx.Where("id = ?", gone).Delete(&models.User{}).Error }).Want(t, 404, "not_found")
}

// Each process caches users for an hour, so it learns of the other's changes only
// from its own reads.
func TestAProcessNeverGoesBackToAnOlderState(t *testing.T) {
	for _, remembered := range []int{1, 100} {
		t.Run(fmt.Sprint(remembered, " remembered"), func(t *testing.T) {
			app, _, _ := apptest.SignedIn(t, func(s *config.Settings) {
				s.JWT.RevocationLag, s.JWT.MaxRemembered = time.Hour, remembered
			})
			other := apptest.New(t, func(s *config.Settings) { *s = app.Settings })
			root, target := app.Admin("root@example.com"), "/users/"+app.User("ada@example.com").ID.String()
			for _, c := range []struct {
				role   string
				status int
			}{{"admin", 200}, {"user", 403}, {"admin", 200}} {
				before := app.Login("ada@example.com")
				other.Get("/users", before...)
				app.Do("PATCH", target, strings.NewReader(`{"role":"`+c.role+`"}`), root...).Want(t, 200, "")
				after := app.Login("ada@example.com")
				for range 3 {
					if got := other.Get("/users", after...); got.Status != c.status {
						t.Errorf("a new session of a user who is now %s is answered %d", c.role, got.Status)
					}
					if got := other.Get("/users", before...); got.Status != c.status {
						t.Errorf("an old session of a user who is now %s is answered %d", c.role, got.Status)
					}
				}
			}
		})
	}
}

func TestALoginOverTheLimitEndsTheOldestSession(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.JWT.MaxSessions = 3 })
	app.Register("ada@example.com")
	app.Register("bob@example.com")
	bob := app.Login("bob@example.com")
	var bearers [][]string
	for range 5 {
		bearer := app.Login("ada@example.com")
		app.Get("/protected", bearer...).Want(t, 200, "") // now cached
		bearers = append(bearers, bearer)
	}
	for _, ended := range bearers[:2] {
		app.Get("/protected", ended...).Want(t, 401, "token_revoked")
	}
	for _, live := range append(bearers[2:], bob) {
		app.Get("/protected", live...).Want(t, 200, "")
	}
	var do []func()
	for range 8 {
		do = append(do, func() { app.Login("ada@example.com") })
	}
	kit.Together(do...)
	var live int64
	app.DB.Model(&models.Session{}).Where("user_id = ? AND "+models.LiveSession, app.User("ada@example.com").ID, app.DB.NowFunc()).Count(&live)
	if live != 3 {
		t.Errorf("%d sessions are active, want 3", live)
	}
}

func TestManySessionsAreListedAndDeletedInSmallSteps(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	user := app.User("ada@example.com")
	many := make([]models.Session, 3000)
	now := app.DB.NowFunc()
	for i := range many {
		many[i] = models.Session{UserID: user.ID, ExpiresAt: now.Add(time.Hour)}
		if i > 1000 {
			many[i].RevokedAt = &now
		}
	}
	if err := app.DB.CreateInBatches(&many, 500).Error; err != nil {
		t.Fatal(err)
	}
	if !kit.OnPostgreSQL() { // because it reads a small table without the index
		var plan []struct{ Detail string }
		app.DB.Raw("EXPLAIN QUERY PLAN SELECT id FROM sessions WHERE user_id = ? AND "+models.LiveSession+" ORDER BY id DESC LIMIT 21", user.ID, now).Scan(&plan)
		if text := fmt.Sprint(plan); !strings.Contains(text, "idx_sessions_live") || strings.Contains(text, "TEMP B-TREE") {
			t.Errorf("the list of sessions is read by %s", text)
		}
	}
	most, left := int64(0), int64(-1)
	deletes := app.DB.Callback().Delete()
	_ = deletes.Before("gorm:delete").Register("count_left", func(tx *gorm.DB) {
		if tx.Statement.Table == "users" {
			tx.Session(&gorm.Session{NewDB: true}).Model(&models.Session{}).Count(&left)
		}
	})
	_ = deletes.After("gorm:delete").Register("count_most", func(tx *gorm.DB) { most = max(most, tx.RowsAffected) })
	app.Do("POST", "/me/delete", strings.NewReader(`{"current_password":"correct horse"}`), bearer...).Want(t, 204, "")
	if left > 101 || most > 100 {
		t.Errorf("%d sessions were deleted with the user, and at most %d in another step", left, most)
	}
}
