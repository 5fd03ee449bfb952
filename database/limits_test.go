package database_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/apptest"
	"example.com/latchkey/database"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// In a bubble the clock moves only while everybody waits, so the times are exact.
func TestNobodyWaitsForTheDatabaseWithoutEnd(t *testing.T) {
	const turn, transaction = 5 * time.Second, 10 * time.Second
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
		holder string // "" for nobody
		asking int
		ask    func(db *gorm.DB) error
		want   time.Duration
	}{
		"statements that wait for another process":   {"another", 4, write, turn},
		"transactions that wait for another process": {"another", 4, inTransaction, turn},
		"statements that wait for their turn":        {"its own", 4, write, turn},
		"transactions that wait for their turn":      {"its own", 4, inTransaction, turn},
		"a transaction that waits for itself":        {"", 1, outside, turn},
		"a transaction that begins another":          {"", 1, nested, turn},
		"a transaction that does not end":            {"", 1, slow, transaction},
	} {
		t.Run(claim, func(t *testing.T) {
			settings := newFile(t)
			synctest.Test(t, func(t *testing.T) {
				db := open(t, settings)
				ask := func() {
					answers, begun := make(chan error, c.asking), time.Now()
					for range c.asking {
						go func() { answers <- c.ask(db) }()
					}
					for range c.asking {
						err := <-answers
						if !errors.Is(err, problem.Unavailable) {
							t.Error(err)
						}
						if c.holder == "" && !strings.Contains(err.Error(), "does not use the handle that it is given") {
							t.Error(err)
						}
					}
					if took := time.Since(begun); took != c.want {
						t.Errorf("took %v, want %v", took, c.want)
					}
				}
				var err error
				switch c.holder {
				case "":
					ask()
				case "another":
					err = held(open(t, settings), ask)
				case "its own":
					err = held(db, ask)
				}
				if err := errors.Join(err, write(db)); err != nil {
					t.Error("afterwards:", err)
				}
			})
		})
	}
}

// held runs a function while a transaction of db holds the lock of writers.
func held(db *gorm.DB, run func()) error {
	return db.Transaction(func(*gorm.DB) error { run(); return nil })
}

func TestTheWaitForAConnectionToPostgreSQLEnds(t *testing.T) {
	const timeout = 30 * time.Second
	onPostgres(t)
	settings := apptest.NewDatabase(t)
	settings.MaxConnections, settings.StatementTimeout = 1, timeout
	for claim, ask := range map[string]func(db *gorm.DB) error{
		"a statement": func(db *gorm.DB) error { return db.Create(newUser("ada@example.com")).Error },
		"a query":     func(db *gorm.DB) error { return db.Find(&[]models.User{}).Error },
		"a raw query": func(db *gorm.DB) error { return db.Raw("SELECT 1").Scan(new(int)).Error },
		"a transaction": func(db *gorm.DB) error {
			return database.Transaction(db, func(*gorm.DB) error { return nil })
		},
	} {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := open(t, settings)
				err := held(db, func() {
					begun := time.Now()
					if err := ask(db); !errors.Is(err, problem.Unavailable) {
						t.Error(err)
					}
					if took := time.Since(begun); took < timeout || took > 2*timeout {
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
