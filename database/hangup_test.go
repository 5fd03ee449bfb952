package database_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"gorm.io/gorm"

	"example.com/latchkey/apptest"
	"example.com/latchkey/config"
	"example.com/latchkey/database"
	"example.com/latchkey/models"
)

// Both wait to run the same statement, the one who hangs up before the other.
func TestAClientThatHangsUpChangesNoOthersAnswer(t *testing.T) {
	settings := apptest.NewDatabase(t)
	settings.MaxConnections = 2
	synctest.Test(t, func(t *testing.T) {
		db := open(t, settings)
		insert := func(ctx context.Context, email models.Email) <-chan error {
			answer := make(chan error, 1)
			go func() { answer <- db.WithContext(ctx).Create(newUser(email)).Error }()
			synctest.Wait() // until it waits for a connection
			return answer
		}
		ctx, hangUp := context.WithCancel(t.Context())
		var left, stayed <-chan error
		err := holding(db, settings, func() {
			left, stayed = insert(ctx, "ada@example.com"), insert(context.WithoutCancel(ctx), "bob@example.com")
			hangUp()
			synctest.Wait()
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error("who hung up:", err)
		}
		if err := <-stayed; err != nil {
			t.Error("who waited:", err)
		}
	})
}

// database/sql ends the transaction in the background, and then only says that it is over.
func TestAClientThatHangsUpInATransactionIsNotAFaultOfTheServer(t *testing.T) {
	db := open(t, apptest.NewDatabase(t))
	ctx, hangUp := context.WithCancel(t.Context())
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	err = database.Transaction(db.WithContext(ctx), func(*gorm.DB) error {
		hangUp()
		apptest.Await(t, "the end of the transaction", func() bool { return pool.Stats().InUse == 0 })
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// holding runs a function while no connection is free to write on.
func holding(db *gorm.DB, settings config.Database, run func()) error {
	return db.Transaction(func(*gorm.DB) error {
		if db.Name() != "postgres" {
			run()
			return nil
		}
		settings.MaxConnections--
		if settings.MaxConnections > 0 {
			return holding(db, settings, run)
		}
		run()
		return nil
	})
}
