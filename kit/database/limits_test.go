package database_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/problem"
)

// The times are exact, because the clock of synctest moves only while all goroutines
// wait.
func TestEveryWaitForSQLiteEnds(t *testing.T) {
	const waiting, transaction = 5 * time.Second, 10 * time.Second
	write := func(db *gorm.DB) error { return db.Create(newUser("ada@example.com")).Error }
	inTransaction := func(db *gorm.DB) error { return database.Transaction(db, write) }
	outside := func(db *gorm.DB) error {
		return database.Transaction(db, func(*gorm.DB) error { return write(db) })
	}
	nested := func(db *gorm.DB) error {
		return database.Transaction(db, func(*gorm.DB) error { return inTransaction(db) })
	}
	slow := func(db *gorm.DB) error {
		return database.Transaction(db, func(tx *gorm.DB) error {
			<-tx.Statement.Context.Done()
			return write(tx)
		})
	}
	for claim, c := range map[string]struct {
		locked  string // who has the lock for writing: "another" process, "its own", or ""
		clients int
		run     func(db *gorm.DB) error
		want    time.Duration
	}{
		"statements that wait for another process":   {"another", 4, write, waiting},
		"transactions that wait for another process": {"another", 4, inTransaction, waiting},
		"statements that wait for another one":       {"its own", 4, write, waiting},
		"transactions that wait for another one":     {"its own", 4, inTransaction, waiting},
		"a transaction that waits for itself":        {"", 1, outside, waiting},
		"a transaction that begins another":          {"", 1, nested, waiting},
		"a transaction that does not end":            {"", 1, slow, transaction},
	} {
		t.Run(claim, func(t *testing.T) {
			settings := newFile(t)
			synctest.Test(t, func(t *testing.T) {
				db := open(t, settings)
				run := func() {
					results, start := make(chan error, c.clients), time.Now()
					for range c.clients {
						go func() { results <- c.run(db) }()
					}
					for range c.clients {
						err := <-results
						if !errors.Is(err, problem.Unavailable) {
							t.Error(err)
						}
						if c.locked == "" && !strings.Contains(err.Error(), "does not use the tx that it is given") {
							t.Error(err)
						}
					}
					if took := time.Since(start); took != c.want {
						t.Errorf("took %v, want %v", took, c.want)
					}
				}
				var err error
				switch c.locked {
				case "":
					run()
				case "another":
					err = withWriteLock(open(t, settings), run)
				case "its own":
					err = withWriteLock(db, run)
				}
				if err := errors.Join(err, write(db)); err != nil {
					t.Error("afterwards:", err)
				}
			})
		})
	}
}

// withWriteLock runs a function while a transaction of db has the lock for writing.
func withWriteLock(db *gorm.DB, run func()) error {
	return db.Transaction(func(*gorm.DB) error { run(); return nil })
}

func TestEveryWaitForAConnectionToPostgreSQLEnds(t *testing.T) {
	const timeout = 30 * time.Second
	onPostgres(t)
	settings := apptest.NewDatabase(t)
	settings.MaxConnections, settings.StatementTimeout = 1, timeout
	for claim, run := range map[string]func(db *gorm.DB) error{
		"a statement": func(db *gorm.DB) error { return db.Create(newUser("ada@example.com")).Error },
		"a query":     func(db *gorm.DB) error { return db.Find(&[]User{}).Error },
		"a raw query": func(db *gorm.DB) error { return db.Raw("SELECT 1").Scan(new(int)).Error },
		"a transaction": func(db *gorm.DB) error {
			return database.Transaction(db, func(*gorm.DB) error { return nil })
		},
	} {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := open(t, settings)
				err := withWriteLock(db, func() {
					start := time.Now()
					if err := run(db); !errors.Is(err, problem.Unavailable) {
						t.Error(err)
					}
					if took := time.Since(start); took < timeout || took > 2*timeout {
						t.Errorf("took %v", took)
					}
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// watched counts the contexts that were made of it and hang on it.
type watched struct {
	context.Context
	live atomic.Int64
}

func (w *watched) Done() <-chan struct{} { return make(chan struct{}) }

func (w *watched) AfterFunc(func()) (stop func() bool) {
	w.live.Add(1)
	return func() bool { w.live.Add(-1); return true }
}

func TestATimeoutIsFreedWhenTheRowsAreClosed(t *testing.T) {
	const found, fault = "WITH found AS (SELECT 1 AS one) SELECT one FROM found", "WITH found AS (SELECT 1 AS one) SELECT two FROM found"
	db := open(t, apptest.NewDatabase(t))
	for claim, read := range map[string]func(db *gorm.DB) error{
		"a row":   func(db *gorm.DB) error { return db.Row().Scan(new(int)) },
		"a value": func(db *gorm.DB) error { return db.Scan(new(int)).Error },
		"rows": func(db *gorm.DB) error {
			rows, err := db.Rows()
			if err != nil {
				return err
			}
			return errors.Join(rows.Close(), rows.Err())
		},
	} {
		ctx := &watched{Context: t.Context()}
		if err := read(db.WithContext(ctx).Raw(found)); err != nil {
			t.Error(claim, err)
		}
		if err := read(db.WithContext(ctx).Raw(fault)); err == nil {
			t.Error(claim, "of a statement with a fault")
		}
		if live := ctx.live.Load(); live != 0 {
			t.Errorf("%s: %d timeouts are left", claim, live)
		}
	}
}

// The time is exact, because the clock of synctest moves only while all goroutines wait.
func TestATimeoutEndsTheRowsThatAreStillRead(t *testing.T) {
	settings := apptest.NewDatabase(t)
	settings.StatementTimeout = time.Second
	synctest.Test(t, func(t *testing.T) {
		db := open(t, settings)
		rows, err := db.Raw("WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000) SELECT n FROM n").Rows()
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		time.Sleep(time.Minute)
		synctest.Wait()
		if rows.Next() || !errors.Is(rows.Err(), context.Canceled) {
			t.Error("they are still read", rows.Err())
		}
	})
}
