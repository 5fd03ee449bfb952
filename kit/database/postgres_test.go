package database_test

import (
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/problem"
)

// onPostgres opens a PostgreSQL database for this test, or skips the test.
func onPostgres(t *testing.T, change ...func(*database.Settings)) *gorm.DB {
	t.Helper()
	if !apptest.OnPostgreSQL() {
		t.Skip("this is for PostgreSQL only")
	}
	settings := apptest.NewDatabase(t)
	for _, set := range change {
		set(&settings)
	}
	return open(t, settings)
}

// Two transactions each lock the row that the other one needs next. PostgreSQL
// cancels one of them.
func TestATransactionRunsAgainAfterADeadlock(t *testing.T) {
	db := onPostgres(t)
	users := []*User{newUser("ada@example.com"), newUser("bob@example.com")}
	if err := db.Create(users).Error; err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int64
	var group, locked sync.WaitGroup
	locked.Add(2)
	for i := range 2 {
		group.Go(func() {
			first := true
			err := database.Transaction(db, func(tx *gorm.DB) error {
				runs.Add(1)
				err := tx.Model(users[i]).Update("email_verified", true).Error
				if first {
					first = false
					locked.Done()
					locked.Wait()
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

func TestTimeoutsAreSet(t *testing.T) {
	db := onPostgres(t, func(s *database.Settings) { s.StatementTimeout, s.LockTimeout = 7*time.Hour, 11*time.Minute })
	want := map[string]string{"statement_timeout": "7h", "idle_in_transaction_session_timeout": "7h", "lock_timeout": "11min"}
	if apptest.OnPooler() {
		want = map[string]string{"lock_timeout": "11min"} // the client has the others
	}
	for setting, want := range want {
		var got string
		err := database.Transaction(db, func(tx *gorm.DB) error { return tx.Raw("SHOW " + setting).Scan(&got).Error })
		if err != nil || got != want {
			t.Errorf("%s is %s, want %s, %v", setting, got, want, err)
		}
	}
}

func TestATimeoutOfPostgreSQLIsUnavailable(t *testing.T) {
	db := onPostgres(t)
	ada := newUser("ada@example.com")
	if err := db.Create(ada).Error; err != nil {
		t.Fatal(err)
	}
	// withTimeout runs slow in a transaction with a timeout of 1 ms.
	withTimeout := func(timeout string, slow func(tx *gorm.DB, pid int) error) error {
		return db.Transaction(func(tx *gorm.DB) error {
			var pid int
			if err := tx.Raw("SELECT pg_backend_pid()").Scan(&pid).Error; err != nil {
				t.Fatal(err)
			}
			if err := tx.Exec("SET LOCAL " + timeout + " = 1").Error; err != nil {
				t.Fatal(err)
			}
			return slow(tx, pid)
		})
	}
	err := db.Transaction(func(tx *gorm.DB) error {
		locked := tx.Model(ada).Update("disabled", true).Error
		err := withTimeout("lock_timeout", func(other *gorm.DB, _ int) error { return other.Model(ada).Update("disabled", false).Error })
		if !errors.Is(err, problem.Unavailable) {
			t.Error("waiting for a lock:", err)
		}
		return locked
	})
	if err != nil {
		t.Error(err)
	}
	err = withTimeout("statement_timeout", func(tx *gorm.DB, _ int) error { return tx.Exec("SELECT pg_sleep(3600)").Error })
	if !errors.Is(err, problem.Unavailable) {
		t.Error("a slow statement:", err)
	}
	err = withTimeout("idle_in_transaction_session_timeout", func(tx *gorm.DB, pid int) error {
		apptest.Await(t, "PostgreSQL ends the transaction", func() bool {
			var exists bool
			err := db.Raw("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = ?)", pid).Scan(&exists).Error
			return err == nil && !exists
		})
		return tx.Exec("SELECT 1").Error
	})
	if !errors.Is(err, problem.Unavailable) {
		t.Error("an idle transaction:", err)
	}
}

// A trigger stores the timeouts of the migration.
func TestAMigrationWaitsForAnotherWithoutATimeout(t *testing.T) {
	const lockTimeout = 500 * time.Millisecond
	db := onPostgres(t, func(s *database.Settings) { s.LockTimeout = lockTimeout })
	_, err := database.Rollback(db)
	for _, statement := range []string{
		"CREATE TABLE seen (name TEXT, value TEXT)",
		`CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO seen SELECT name, setting || unit FROM pg_settings WHERE name LIKE '%\_timeout' AND name LIKE ANY ('{statement%,lock%,idle\_in%}');
			RETURN NEW;
		END $$`,
		"CREATE TRIGGER see BEFORE INSERT ON migrations FOR EACH ROW EXECUTE FUNCTION see()",
	} {
		err = errors.Join(err, db.Exec(statement).Error)
	}
	if err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	err = db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(7526466402)").Error; err != nil {
			return err
		}
		go func() { migrated <- database.Migrate(db) }()
		apptest.Await(t, "the migration has waited for longer than lock_timeout, or has ended", func() bool {
			var waited bool
			err := tx.Raw(`SELECT EXISTS (SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND NOT granted
				AND application_name = current_setting('application_name') AND clock_timestamp() - waitstart > ? * interval '1 ms')`, 2*lockTimeout.Milliseconds()).Scan(&waited).Error
			return err != nil || waited || len(migrated) > 0
		})
		return nil
	})
	if err := errors.Join(err, <-migrated); err != nil {
		t.Fatal(err)
	}
	var seen []string
	if err := db.Raw("SELECT name || ' ' || value FROM seen ORDER BY name").Scan(&seen).Error; err != nil {
		t.Fatal(err)
	}
	if want := []string{"idle_in_transaction_session_timeout 0ms", "lock_timeout 500ms", "statement_timeout 0ms"}; !slices.Equal(seen, want) {
		t.Errorf("the timeouts of the migration: %v, want %v", seen, want)
	}
}

func TestNoErrorShowsAPassword(t *testing.T) {
	settings := database.Defaults()
	for _, url := range []string{"postgres://ada:hunter2@127.0.0.1:1/x", "postgres://ada:hunter2@127.0.0.1:1/x?sslmode=odd", "postgres://ada:hunter2@[::1/x", "postgres://127.0.0.1:1/x?user=ada&password=hunter2"} {
		settings.URL = url
		if _, err := database.Open(settings, schema, slog.New(slog.DiscardHandler)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Error(url, err)
		}
	}
}

func TestAUnixSocketLeadsToPostgreSQL(t *testing.T) {
	if apptest.OnPooler() {
		t.Skip("it has another port than the server")
	}
	var folder string
	if err := onPostgres(t).Raw("SHOW unix_socket_directories").Scan(&folder).Error; err != nil || folder == "" || strings.HasPrefix(folder, "@") {
		t.Skip("the server has no socket in a folder", err)
	}
	settings := apptest.NewDatabase(t)
	server, err := url.Parse(settings.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := server.Query()
	query.Set("host", folder)
	query.Set("port", server.Port())
	server.Host, server.RawQuery = "", query.Encode()
	settings.URL = server.String()
	open(t, settings)
}

func TestEveryWayToRunAStatementTellsThatTheDatabaseOnlyReads(t *testing.T) {
	const insert = "INSERT INTO users (id) VALUES (gen_random_uuid()) RETURNING id"
	for way, write := range map[string]func(db *gorm.DB) error{
		"Raw and Scan": func(db *gorm.DB) error { return db.Raw(insert).Scan(new(string)).Error },
		"Exec":         func(db *gorm.DB) error { return db.Exec(insert).Error },
		"Create":       func(db *gorm.DB) error { return db.Create(newUser("ada@example.com")).Error },
	} {
		db := onPostgres(t, func(s *database.Settings) { s.MaxConnections = 2 })
		err := db.Transaction(func(tx *gorm.DB) error {
			return errors.Join(tx.Exec("SET TRANSACTION READ ONLY").Error, write(tx))
		})
		if !errors.Is(err, problem.Unavailable) {
			t.Errorf("%s: %v", way, err)
		}
	}
}
