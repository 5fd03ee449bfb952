package database_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
)

// Two clients wait to run the same statement, and the first one disconnects.
func TestAClientThatDisconnectsDoesNotCancelOthers(t *testing.T) {
	settings := apptest.NewDatabase(t)
	settings.MaxConnections = 2
	synctest.Test(t, func(t *testing.T) {
		db := open(t, settings)
		insert := func(ctx context.Context, email string) <-chan error {
			answer := make(chan error, 1)
			go func() { answer <- db.WithContext(ctx).Create(newUser(email)).Error }()
			synctest.Wait() // until it waits for a connection
			return answer
		}
		ctx, disconnect := context.WithCancel(t.Context())
		var canceled, other <-chan error
		err := withoutConnections(db, settings, func() {
			canceled, other = insert(ctx, "ada@example.com"), insert(context.WithoutCancel(ctx), "bob@example.com")
			disconnect()
			synctest.Wait()
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-canceled; !errors.Is(err, context.Canceled) {
			t.Error("the client that disconnects:", err)
		}
		if err := <-other; err != nil {
			t.Error("the other client:", err)
		}
	})
}

// database/sql ends the transaction in the background, and then only reports that it
// is over.
func TestADisconnectInATransactionIsCanceled(t *testing.T) {
	db := open(t, apptest.NewDatabase(t))
	ctx, disconnect := context.WithCancel(t.Context())
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	err = database.Transaction(db.WithContext(ctx), func(*gorm.DB) error {
		disconnect()
		apptest.Await(t, "the end of the transaction", func() bool { return pool.Stats().InUse == 0 })
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// withoutConnections runs a function while no connection for writing is free.
func withoutConnections(db *gorm.DB, settings database.Settings, run func()) error {
	return db.Transaction(func(*gorm.DB) error {
		if db.Name() != "postgres" {
			run()
			return nil
		}
		settings.MaxConnections--
		if settings.MaxConnections > 0 {
			return withoutConnections(db, settings, run)
		}
		run()
		return nil
	})
}

func TestAStatementOfAClientThatIsGoneDoesNotRun(t *testing.T) {
	db := open(t, apptest.NewDatabase(t))
	ctx, disconnect := context.WithCancel(t.Context())
	disconnect()
	for range 100 {
		if err := db.WithContext(ctx).Create(newUser("ada@example.com")).Error; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	var users int64
	if err := db.Model(&User{}).Count(&users).Error; err != nil || users != 0 {
		t.Errorf("%d users, %v", users, err)
	}
}
