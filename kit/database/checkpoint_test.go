package database_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
)

// logBytes returns the size of SQLite's write-ahead log, in bytes.
func logBytes(t *testing.T, settings database.Settings) int64 {
	t.Helper()
	info, err := os.Stat(strings.TrimPrefix(settings.URL, "sqlite://") + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// fillLog writes at least so many bytes to the log.
func fillLog(t *testing.T, db *gorm.DB, settings database.Settings, bytes int64) {
	t.Helper()
	err := db.Exec("CREATE TABLE IF NOT EXISTS things (bytes BLOB)").Error
	for err == nil && logBytes(t, settings) < bytes {
		err = db.Exec("INSERT INTO things VALUES (zeroblob(4000000))").Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

// whileReading runs a function while rows are read.
func whileReading(t *testing.T, db *gorm.DB, run func()) {
	t.Helper()
	rows, err := db.Raw("SELECT 1 FROM migrations").Rows()
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	run()
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheLogShrinksAfterALongReader(t *testing.T) {
	apptest.SkipOnPostgreSQL(t)
	const grown, limit = 24 << 20, 16 << 20
	for claim, shrink := range map[string]func(t *testing.T, db *gorm.DB){
		"by writes": func(t *testing.T, db *gorm.DB) {
			for i := range 3 { // they copy the log, restart it and truncate it
				if err := db.Exec("INSERT INTO things VALUES (?)", fmt.Sprint(i)).Error; err != nil {
					t.Fatal(err)
				}
			}
		},
		"by a checkpoint": func(t *testing.T, db *gorm.DB) {
			if err := database.Checkpoint(t.Context(), db); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(claim, func(t *testing.T) {
			settings := newFile(t)
			synctest.Test(t, func(t *testing.T) {
				db := open(t, settings)
				whileReading(t, db, func() { fillLog(t, db, settings, grown) })
				if shrink(t, db); logBytes(t, settings) > limit {
					t.Errorf("the log has %d bytes", logBytes(t, settings))
				}
			})
		})
	}
}

func TestACheckpointDoesNotBlockOthers(t *testing.T) {
	const pause = 100 * time.Millisecond
	settings := newFile(t)
	synctest.Test(t, func(t *testing.T) {
		db := open(t, settings)
		checkpoint := func() {
			start := time.Now()
			if err := database.Checkpoint(t.Context(), db); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took > pause {
				t.Errorf("took %v", took)
			}
		}
		whileReading(t, db, func() {
			fillLog(t, db, settings, 1<<20)
			checkpoint()
			if err := db.Create(newUser("ada@example.com")).Error; err != nil {
				t.Error("after a checkpoint with a reader:", err)
			}
		})
		err := db.Transaction(func(tx *gorm.DB) error {
			checkpoint()
			return tx.Create(newUser("bob@example.com")).Error
		})
		if checkpoint(); err != nil || logBytes(t, settings) != 0 {
			t.Errorf("the log has %d bytes, %v", logBytes(t, settings), err)
		}
	})
	if err := database.Checkpoint(t.Context(), open(t, apptest.NewDatabase(t))); err != nil {
		t.Error(err)
	}
}
