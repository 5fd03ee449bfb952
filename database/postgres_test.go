package database_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/apptest"
	"example.com/latchkey/config"
	"example.com/latchkey/database"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// onPostgres opens a database of the test's own, or skips it.
func onPostgres(t *testing.T, change ...func(*config.Database)) *gorm.DB {
	t.Helper()
	if !apptest.OnPostgreSQL() {
		t.Skip("this is of PostgreSQL only")
	}
	settings := apptest.NewDatabase(t)
	for _, set := range change {
		set(&settings)
	}
	return open(t, settings)
}

// Each of two transactions holds what the other wants; PostgreSQL ends one.
func TestATransactionThatLosesADeadlockRunsAgain(t *testing.T) {
	db := onPostgres(t)
	users := []*models.User{newUser("ada@example.com"), newUser("bob@example.com")}
	if err := db.Create(users).Error; err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int64
	var group, held sync.WaitGroup
	held.Add(2)
	for i := range 2 {
		group.Go(func() {
			first := true
			err := database.Transaction(db, func(tx *gorm.DB) error {
				runs.Add(1)
				err := tx.Model(users[i]).Update("email_verified", true).Error
				if first {
					first = false
					held.Done()
					held.Wait()
				}
				return errors.Join(err, tx.Model(users[1-i]).Update("disabled", true).Error)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if runs.Load() < 3 {
		t.Errorf("ran %d times, want one more than the 2", runs.Load())
	}
}

func TestTimeoutsAreInForce(t *testing.T) {
	db := onPostgres(t, func(s *config.Database) {
		s.StatementTimeout, s.LockTimeout = 400*time.Millisecond, 100*time.Millisecond
	})
	ada := newUser("ada@example.com")
	if err := db.Create(ada).Error; err != nil {
		t.Fatal(err)
	}
	err := db.Transaction(func(tx *gorm.DB) error {
		locked := tx.Model(ada).Update("disabled", true).Error
		if err := db.Model(ada).Update("disabled", false).Error; !errors.Is(err, problem.Unavailable) {
			t.Error("waiting for a lock:", err)
		}
		return locked
	})
	if err != nil {
		t.Error(err)
	}
	if err := db.Exec("SELECT pg_sleep(10)").Error; !errors.Is(err, problem.Unavailable) {
		t.Error("a slow statement:", err)
	}
	err = db.Transaction(func(tx *gorm.DB) error {
		time.Sleep(700 * time.Millisecond)
		return tx.Exec("SELECT 1").Error
	})
	if !errors.Is(err, problem.Unavailable) {
		t.Error("an idle transaction:", err)
	}
}

func TestAMigrationWaitsForOthersLongerThanAStatementMay(t *testing.T) {
	db := onPostgres(t, func(s *config.Database) { s.StatementTimeout, s.LockTimeout = 50*time.Millisecond, 50*time.Millisecond })
	var group sync.WaitGroup
	defer group.Wait()
	err := db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("SET LOCAL idle_in_transaction_session_timeout = 0").Error; err != nil {
			return err
		}
		if err := tx.Exec("SELECT pg_advisory_xact_lock(7526466402)").Error; err != nil {
			return err
		}
		group.Go(func() {
			if err := database.Migrate(db); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(300 * time.Millisecond)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestListenersHearWhatEndsASession(t *testing.T) {
	db := onPostgres(t)
	ada, bob, eve := newUser("ada@example.com"), newUser("bob@example.com"), newUser("eve@example.com")
	if err := db.Create([]*models.User{ada, bob, eve}).Error; err != nil {
		t.Fatal(err)
	}
	for _, user := range []*models.User{ada, bob, eve} {
		if err := db.Create(&models.Session{UserID: user.ID, LastUsedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}).Error; err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	heard, begun, ended := make(chan string), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- database.Listen(ctx, db, database.Revoked, func() { close(begun) }, func(said string) {
			select {
			case heard <- said:
			case <-ctx.Done():
			}
		})
	}()
	<-begun
	for _, c := range []struct {
		claim, statement string
		who              *models.User
	}{
		{"a session ends", "UPDATE sessions SET revoked_at = now() WHERE user_id = ?", ada},
		{"a session is deleted", "DELETE FROM sessions WHERE user_id = ?", bob},
		{"a user is changed", "UPDATE users SET disabled = true WHERE id = ?", ada},
		{"a user is deleted", "DELETE FROM users WHERE id = ?", bob},
	} {
		err := errors.Join(db.Exec("UPDATE sessions SET counter = counter + 1").Error, db.Exec(c.statement, c.who.ID).Error)
		select {
		case said := <-heard:
			for said != c.who.ID.String() { // of a user of another test
				if said == eve.ID.String() {
					t.Fatal("a mere use of a session is told")
				}
				said = <-heard
			}
		case <-time.After(5 * time.Second):
			t.Error(c.claim, "unheard", err)
		}
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	// What it listened on does not go back to the others.
	pool, err := db.DB()
	if err != nil || pool.Stats().InUse != 0 {
		t.Error(pool.Stats(), err)
	}
	if err := database.Listen(t.Context(), open(t, newFile(t)), database.Revoked, nil, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Error("SQLite:", err)
	}
}

func TestNoErrorShowsAPassword(t *testing.T) {
	settings := config.Defaults().Database
	for _, url := range []string{"postgres://ada:hunter2@127.0.0.1:1/x", "postgres://ada:hunter2@127.0.0.1:1/x?sslmode=odd", "postgres://ada:hunter2@[::1/x", "postgres://127.0.0.1:1/x?user=ada&password=hunter2"} {
		settings.URL = url
		if _, err := database.Open(settings, slog.New(slog.DiscardHandler)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Error(url, err)
		}
	}
}
