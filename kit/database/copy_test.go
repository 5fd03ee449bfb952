package database_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
)

// fill adds users with one session each, more than one batch.
func fill(t *testing.T, db *gorm.DB) (users []User, sessions []Session) {
	t.Helper()
	ended := db.NowFunc()
	for i := range 450 {
		user := User{Email: fmt.Sprintf("%03d@exämple.com", i), PasswordHash: "x'\"\\", Role: "user", Disabled: i%2 == 0}
		if err := db.Create(&user).Error; err != nil {
			t.Fatal(err)
		}
		session := Session{UserID: user.ID, LastUsedAt: ended, ExpiresAt: ended.Add(time.Hour), UserAgent: "a\nb", Counter: 4_294_967_295}
		if i%3 == 0 {
			session.RevokedAt, session.RevokedReason = &ended, "theft"
		}
		if err := db.Create(&session).Error; err != nil {
			t.Fatal(err)
		}
		users, sessions = append(users, user), append(sessions, session)
	}
	return users, sessions
}

// checkContent checks that a database has these users and sessions.
func checkContent(t *testing.T, db *gorm.DB, users []User, sessions []Session) {
	t.Helper()
	var gotUsers []User
	var gotSessions []Session
	if err := errors.Join(db.Order("email").Find(&gotUsers).Error, db.Order("id").Find(&gotSessions).Error); err != nil {
		t.Fatal(err)
	}
	for i := range gotUsers {
		gotUsers[i].CreatedAt = gotUsers[i].CreatedAt.UTC()
	}
	for i := range gotSessions {
		s := &gotSessions[i]
		s.CreatedAt, s.LastUsedAt, s.ExpiresAt = s.CreatedAt.UTC(), s.LastUsedAt.UTC(), s.ExpiresAt.UTC()
		if s.RevokedAt != nil {
			*s.RevokedAt = s.RevokedAt.UTC()
		}
	}
	if !reflect.DeepEqual(gotUsers, users) {
		t.Errorf("users differ: got %d, want %d", len(gotUsers), len(users))
	}
	if !reflect.DeepEqual(gotSessions, sessions) {
		t.Errorf("sessions differ: got %d, want %d", len(gotSessions), len(sessions))
	}
}

func noProgress(string, int64) {}

// From SQLite to the database of the test (maybe PostgreSQL), and then to SQLite.
func TestACopyIsEqual(t *testing.T) {
	from, middle, to := newFile(t), apptest.NewDatabase(t), newFile(t)
	// A fork may have rows that refer to each other, with ids from a sequence.
	for _, settings := range []database.Settings{from, middle, to} {
		db := open(t, settings)
		id := "INTEGER PRIMARY KEY"
		if db.Name() == "postgres" {
			id = "SERIAL PRIMARY KEY"
		}
		if err := db.Exec("CREATE TABLE things (id " + id + ", of INTEGER REFERENCES things (id), good BOOLEAN)").Error; err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, from).Exec("INSERT INTO things VALUES (5, NULL, false), (6, NULL, true), (7, NULL, NULL)").Error; err != nil {
		t.Fatal(err)
	}
	if err := open(t, from).Exec("UPDATE things SET of = 7 WHERE id = 5").Error; err != nil {
		t.Fatal(err)
	}
	if err := open(t, from).Exec("CREATE TABLE _litestream_seq (id INTEGER)").Error; err != nil { // of a replicated file
		t.Fatal(err)
	}
	users, sessions := fill(t, open(t, from))
	log, before := slog.New(slog.DiscardHandler), apptest.SchemaOf(t, open(t, middle))
	var reported []string
	err := database.Copy(from, middle, schema, log, func(table string, rows int64) { reported = append(reported, fmt.Sprint(table, rows)) })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"sessions200", "sessions400", "sessions450", "things3", "users200", "users400", "users450"}
	if !slices.Equal(reported, want) {
		t.Errorf("reported %v, want %v", reported, want)
	}
	checkContent(t, open(t, middle), users, sessions)
	if err := database.Copy(middle, to, schema, log, noProgress); err != nil {
		t.Fatal(err)
	}
	checkContent(t, open(t, to), users, sessions)
	// The keys and sequences are as before.
	var next int64
	if err := open(t, to).Raw("SELECT count(*) FROM things WHERE good OR of = 7").Scan(&next).Error; err != nil || next != 2 {
		t.Error(next, err)
	}
	if err := open(t, middle).Raw("INSERT INTO things (good) VALUES (true) RETURNING id").Scan(&next).Error; err != nil || next != 8 {
		t.Error(next, err)
	}
	if now := apptest.SchemaOf(t, open(t, middle)); !slices.Equal(now, before) {
		t.Errorf("%q\nbefore:\n%q", now, before)
	}
}

func TestADatabaseOnWhichAServerRanCanBeCopiedTo(t *testing.T) {
	from, to := newFile(t), apptest.NewDatabase(t)
	source, target := open(t, from), open(t, to)
	periodic := func() *jobs.Row {
		return &jobs.Row{ID: uuid.Must(uuid.NewV7()), Kind: "housekeeping", Args: "{}", UniqueKey: new("housekeeping")}
	}
	err := errors.Join(source.Create(newUser("bob@example.com")).Error, source.Create(periodic()).Error, target.Create(periodic()).Error,
		database.Copy(from, to, schema, slog.New(slog.DiscardHandler), noProgress))
	var rows int64
	if err = errors.Join(err, target.Model(&jobs.Row{}).Count(&rows).Error); err != nil || rows != 1 {
		t.Error(rows, err)
	}
}

func TestACopyThatFailsLeavesNothing(t *testing.T) {
	missing := newFile(t)
	for claim, c := range map[string]struct {
		change func(from, to *gorm.DB) error
		want   string
	}{
		"a target with rows":          {func(_, to *gorm.DB) error { return to.Create(newUser("ada@example.com")).Error }, "the database to copy to is not empty: users has 1 rows"},
		"another table in the source": {func(from, _ *gorm.DB) error { return from.Exec("CREATE TABLE things (id UUID)").Error }, "the databases have different tables"},
		"a newer source": {func(from, _ *gorm.DB) error {
			return from.Exec("INSERT INTO migrations VALUES ('20991231_future')").Error
		}, "the database is newer than this program"},
		"an older source": {func(from, _ *gorm.DB) error {
			_, err := database.Rollback(from)
			return err
		}, "the database to copy from has pending migrations"},
		"a session without a user": {func(from, _ *gorm.DB) error {
			return errors.Join(from.Exec("PRAGMA foreign_keys = OFF").Error,
				from.Create(&Session{LastUsedAt: time.Now(), ExpiresAt: time.Now()}).Error)
		}, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			from, to := newFile(t), apptest.NewDatabase(t)
			source, target := open(t, from), open(t, to)
			if err := source.Create(newUser("bob@example.com")).Error; err != nil {
				t.Fatal(err)
			}
			if err := c.change(source, target); err != nil {
				t.Fatal(err)
			}
			err := database.Copy(from, to, schema, slog.New(slog.DiscardHandler), noProgress)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Error(err)
			}
			var bobs int64
			if err := target.Model(User{}).Where("email = ?", "bob@example.com").Count(&bobs).Error; err != nil || bobs != 0 {
				t.Errorf("%d rows of bob, %v", bobs, err)
			}
		})
	}
	if err := database.Copy(missing, newFile(t), schema, slog.New(slog.DiscardHandler), noProgress); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestABackupIsRestored(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	settings, backup := newFile(t), filepath.Join(t.TempDir(), "backup.db")
	db := open(t, settings)
	users, sessions := fill(t, db)
	if err := database.Backup(db, backup); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if err := database.Backup(db, backup); !errors.Is(err, os.ErrExist) {
		t.Error("to an existing file:", err)
	}
	if err := db.Exec("DELETE FROM users").Error; err != nil {
		t.Fatal(err)
	}
	if _, err := database.Restore(backup, settings, schema); err == nil || !strings.Contains(err.Error(), "stop the program that uses it") {
		t.Error("while it is open:", err)
	}
	if err := database.Close(db); err != nil {
		t.Fatal(err)
	}
	previous, err := database.Restore(backup, settings, schema)
	if err != nil {
		t.Fatal(err)
	}
	checkContent(t, open(t, settings), users, sessions)
	checkContent(t, open(t, inFile(previous)), []User{}, []Session{})
	empty := newFile(t)
	if err := os.MkdirAll(filepath.Dir(strings.TrimPrefix(empty.URL, "sqlite://")), 0o700); err != nil {
		t.Fatal(err)
	}
	if previous, err := database.Restore(backup, empty, schema); err != nil || previous != "" {
		t.Error(previous, err)
	}
	checkContent(t, open(t, empty), users, sessions)
}

func TestABackupReplacesADamagedDatabase(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	settings := inFile(filepath.Join(t.TempDir(), "app.db"))
	path := strings.TrimPrefix(settings.URL, "sqlite://")
	db := open(t, settings)
	if err := db.Create(newUser("eve@example.com")).Error; err != nil {
		t.Fatal(err)
	}
	stale, err := os.ReadFile(path + "-wal") // contains eve
	if err != nil || len(stale) == 0 {
		t.Fatal(len(stale), err)
	}
	users, sessions := []User{*newUser("ada@example.com")}, []Session{}
	source := open(t, newFile(t))
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := errors.Join(source.Create(&users).Error, database.Backup(source, backup), database.Close(db)); err != nil {
		t.Fatal(err)
	}
	for claim, damaged := range map[string][]byte{"a text file": []byte("Milk, eggs and bread.\n"), "a missing file": nil} {
		err := errors.Join(os.RemoveAll(path), os.WriteFile(path+"-wal", stale, 0o600)) //nolint:gosec // in a folder of this test
		if damaged != nil {
			err = errors.Join(err, os.WriteFile(path, damaged, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		previous, err := database.Restore(backup, settings, schema)
		if err != nil || (previous != "") != (damaged != nil) {
			t.Error(claim, previous, err)
			continue
		}
		db := open(t, settings)
		checkContent(t, db, users, sessions)
		if err := database.Close(db); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileThatIsNotABackupIsNotRestored(t *testing.T) {
	folder := t.TempDir()
	settings := inFile(filepath.Join(folder, "app.db"))
	users, sessions := fill(t, open(t, settings))
	good := filepath.Join(folder, "good.db")
	if err := database.Backup(open(t, settings), good); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, statements := range map[string][]string{
		"newer.db":   {"INSERT INTO migrations VALUES ('20991231_future')"},
		"damaged.db": {"CREATE TABLE things (n INTEGER CHECK (n > 0))", "PRAGMA ignore_check_constraints = ON", "INSERT INTO things VALUES (-1)"},
	} {
		db := open(t, inFile(filepath.Join(folder, name)))
		for _, statement := range statements {
			err = errors.Join(err, db.Exec(statement).Error)
		}
		if err := errors.Join(err, database.Close(db)); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string][]byte{"half.db": whole[:len(whole)/2], "empty.db": nil, "text.db": []byte("Milk, eggs and bread.\n")} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"newer.db", "damaged.db", "half.db", "empty.db", "text.db", "missing.db"} {
		file := filepath.Join(folder, name)
		_, err := database.Restore(file, settings, schema)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	checkContent(t, open(t, settings), users, sessions)
	if left, err := filepath.Glob(filepath.Join(folder, "app.db.*")); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

func TestBackupAndRestoreRefusePostgreSQL(t *testing.T) {
	settings := database.Settings{URL: "postgres://127.0.0.1:1/x"}
	if _, err := database.Restore("x", settings, schema); !errors.Is(err, database.ErrSQLiteOnly) {
		t.Error(err)
	}
	if err := database.Backup(onPostgres(t), "x"); !errors.Is(err, database.ErrSQLiteOnly) {
		t.Error(err)
	}
}
