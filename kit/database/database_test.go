package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/problem"
)

// hung is when a test that waits has failed.
const hung = time.Minute

func TestMain(m *testing.M) { os.Exit(apptest.Main(m)) }

// inFile returns the settings of a file.
func inFile(path string) database.Settings {
	settings := database.Defaults()
	settings.URL = "sqlite://" + path
	return settings
}

// open opens and migrates a database without a log.
func open(t *testing.T, settings database.Settings) *gorm.DB {
	t.Helper()
	return program.Open(t, settings, slog.New(slog.DiscardHandler))
}

func newFile(t *testing.T) database.Settings {
	return inFile(filepath.Join(t.TempDir(), "made", "app.db"))
}

func newUser(email string) *User {
	return &User{Email: email, PasswordHash: "x", Role: "user"}
}

func TestPragmasAreSetOnEveryConnection(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	db := open(t, newFile(t))
	const query = "SELECT (SELECT journal_mode FROM pragma_journal_mode) || ' ' || (SELECT foreign_keys FROM pragma_foreign_keys) || ' ' || " +
		"(SELECT synchronous FROM pragma_synchronous) || ' ' || (SELECT timeout FROM pragma_busy_timeout)"
	check := func(db *gorm.DB) {
		rows, err := db.Raw(query).Rows() // left open, so that the next query uses another connection
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = rows.Close() })
		var got string
		if rows.Next(); errors.Join(rows.Err(), rows.Scan(&got)) != nil || got != "wal 1 1 5000" {
			t.Errorf("%q, %v", got, rows.Err())
		}
	}
	for range 3 {
		check(db)
	}
	tx := db.Begin() // on the connection that writes
	t.Cleanup(func() { tx.Rollback() })
	check(tx)
}

func TestConstraintErrorsAreThoseOfGORM(t *testing.T) {
	db := open(t, apptest.NewDatabase(t))
	ada := newUser("ada@example.com")
	if err := db.Create(ada).Error; err != nil {
		t.Fatal(err)
	}
	bob := newUser("bob@example.com")
	bob.ID = ada.ID
	if err := db.Create(bob).Error; !errors.Is(err, gorm.ErrDuplicatedKey) {
		t.Error("the same id:", err)
	}
	if err := db.Create(newUser("ada@example.com")).Error; !errors.Is(err, gorm.ErrDuplicatedKey) {
		t.Error("the same email:", err)
	}
	const row = "INSERT INTO pairs VALUES ('00000000-0000-7000-8000-000000000000', 1)"
	pairs := errors.Join(db.Exec(`CREATE TABLE pairs (owner_id UUID, "order" INT, UNIQUE (owner_id, "order"))`).Error, db.Exec(row).Error)
	var twice *problem.Problem
	if err := db.Exec(row).Error; pairs != nil || !errors.As(err, &twice) || !errors.Is(err, gorm.ErrDuplicatedKey) || twice.Describe() != "order is taken" {
		t.Error("the same order of an owner:", pairs, err)
	}
	if err := db.Exec("CREATE TABLE things (user_id UUID REFERENCES users (id))").Error; err != nil {
		t.Fatal(err)
	}
	if err := db.Exec("INSERT INTO things VALUES ('00000000-0000-7000-8000-000000000000')").Error; !errors.Is(err, gorm.ErrForeignKeyViolated) {
		t.Error("a foreign key without its row:", err)
	}
}

func TestAFileHasExactlyTheGivenName(t *testing.T) {
	for _, name := range []string{"a b.db", "a#b.db", "a?mode=memory.db", "a%41.db", "100%.db", "a+b;c&d.db", "ä.db", "no suffix", ":memory:", "file:a.db", "file:a.db?mode=memory", "file::memory:", "a #?%41 folder/a.db"} {
		t.Chdir(t.TempDir())
		open(t, inFile(name))
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
		first, _, _ := strings.Cut(name, "/")
		files, err := os.ReadDir(".")
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range files {
			if !strings.HasPrefix(entry.Name(), first) { // -wal and -shm have the prefix
				t.Errorf("%s: %s was made", name, entry.Name())
			}
		}
	}
}

func TestATimeIsStoredInUTC(t *testing.T) {
	local := time.Local
	time.Local = time.FixedZone("UTC+5:30", 19800)
	defer func() { time.Local = local }()
	db := open(t, newFile(t))
	ada := newUser("ada@example.com")
	before := time.Now().Truncate(time.Microsecond)
	if err := db.Create(ada).Error; err != nil {
		t.Fatal(err)
	}
	var stored User
	var text string
	if err := errors.Join(db.Take(&stored).Error, db.Raw("SELECT CAST(created_at AS TEXT) FROM users").Scan(&text).Error); err != nil {
		t.Fatal(err)
	}
	if !stored.CreatedAt.Equal(ada.CreatedAt) || stored.CreatedAt.Before(before) || stored.CreatedAt.Nanosecond()%1000 != 0 {
		t.Errorf("stored %v, created %v, want not before %v", stored.CreatedAt, ada.CreatedAt, before)
	}
	// As text in UTC, times sort correctly.
	if want := ada.CreatedAt.UTC().Format("2006-01-02 15:04:05.999999999-07:00"); text != want {
		t.Errorf("stored %s, want %s", text, want)
	}
}

func TestOpeningANewFileWaitsForTheProgramThatCreatesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	synctest.Test(t, func(t *testing.T) {
		maker, err := sql.Open("sqlite", path) // not switched to WAL yet
		if err != nil {
			t.Fatal(err)
		}
		defer maker.Close()
		maker.SetMaxOpenConns(1)
		exec := func(statement string) {
			if _, err := maker.ExecContext(context.Background(), statement); err != nil {
				t.Error(statement, err)
			}
		}
		exec("BEGIN IMMEDIATE")
		time.AfterFunc(50*time.Millisecond, func() { exec("COMMIT") })
		db, err := database.Open(inFile(path), schema, slog.New(slog.DiscardHandler))
		if err == nil {
			err = database.Close(db)
		}
		if err != nil {
			t.Error(err)
		}
	})
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	settings := apptest.NewDatabase(t)
	if err := open(t, settings).Create(newUser("ada@example.com")).Error; err != nil {
		t.Fatal(err)
	}
	var users int64
	if err := open(t, settings).Model(User{}).Count(&users).Error; err != nil || users != 1 {
		t.Errorf("%d users, %v", users, err)
	}
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	db := open(t, apptest.NewDatabase(t))
	if err := db.Exec("INSERT INTO migrations VALUES ('20991231_future')").Error; err != nil {
		t.Fatal(err)
	}
	if err := database.Migrate(db); !errors.Is(err, database.ErrNewer) {
		t.Error(err)
	}
	if _, err := database.Rollback(db); !errors.Is(err, database.ErrNewer) {
		t.Error(err)
	}
}

func TestConcurrentWritersWaitForEachOther(t *testing.T) {
	const writers, each = 8, 50
	db := open(t, newFile(t))
	ada := newUser("0@example.com")
	if err := db.Create(ada).Error; err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range each {
				// It reads first: without an immediate lock, SQLite would refuse its write.
				err := db.Transaction(func(tx *gorm.DB) error {
					var read User
					var count int
					if err := tx.Take(&read, "id = ?", ada.ID).Error; err != nil {
						return err
					}
					if _, err := fmt.Sscanf(read.Email, "%d@", &count); err != nil {
						return err
					}
					return tx.Model(&read).Update("email", fmt.Sprintf("%d@example.com", count+1)).Error
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	var read User
	if err := db.Take(&read).Error; err != nil || read.Email != "400@example.com" {
		t.Errorf("%s, want 400; %v", read.Email, err)
	}
}

func TestATemporaryErrorOfSQLiteIsUnavailable(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	settings := newFile(t)
	db, other := open(t, settings), open(t, settings)
	write := func(email string) error { return db.Create(newUser(email)).Error }
	if err := db.Exec("PRAGMA busy_timeout = 20").Error; err != nil {
		t.Fatal(err)
	}
	err := other.Transaction(func(*gorm.DB) error {
		if err := write("busy@example.com"); !errors.Is(err, problem.Unavailable) {
			t.Error("while another writes:", err)
		}
		return nil
	})
	if err := errors.Join(err, write("free@example.com"), db.Exec("PRAGMA max_page_count = 1").Error); err != nil {
		t.Fatal(err)
	}
	for i := 0; err == nil && i < 1000; i++ {
		err = write(fmt.Sprint(i, "@example.com"))
	}
	if !errors.Is(err, problem.Unavailable) {
		t.Error("on a full disk:", err)
	}
}

// With GORM's prepared statements, everybody waits for the first one to prepare a
// statement, also one that has the connection which the first one waits for.
func TestATransactionAndAStatementDoNotDeadlock(t *testing.T) {
	db := open(t, apptest.NewDatabase(t))
	rename := func(db *gorm.DB) error {
		return db.Model(&User{}).Where("email = ?", "nobody").Update("role", "user").Error
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	outside := make(chan error, 1)
	err = db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		go func() { outside <- rename(db.WithContext(ctx)) }()
		apptest.Await(t, "the statement waits for the connection, or has ended", func() bool {
			return pool.Stats().WaitCount > 0 || len(outside) > 0
		})
		return rename(tx)
	})
	if err := errors.Join(err, <-outside); err != nil {
		t.Error(err)
	}
}

func TestAReaderDoesNotWaitForAWriter(t *testing.T) {
	db := open(t, apptest.NewDatabase(t))
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	err := db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(newUser("ada@example.com")).Error; err != nil {
			return err
		}
		var users int64
		err := db.WithContext(ctx).Model(&User{}).Count(&users).Error
		if users != 0 {
			t.Errorf("%d users are visible before the commit", users)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAllMigrationsArePendingWithoutTheirTable(t *testing.T) {
	db := open(t, apptest.NewDatabase(t))
	if err := db.Exec("DROP TABLE migrations").Error; err != nil {
		t.Fatal(err)
	}
	all, err := database.Migrations(db)
	if err != nil || slices.ContainsFunc(all, func(m database.Migration) bool { return m.Applied }) {
		t.Error(all, err)
	}
}
