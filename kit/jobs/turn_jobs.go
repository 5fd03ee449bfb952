package jobs

import (
	"errors"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
)

// TurnJobs adds an index for the first job of each kind, which finds the jobs that are due too, and
// the number of the last attempt that ended.
var TurnJobs = &gormigrate.Migration{
	ID: "20261130_turn_jobs",
	Migrate: func(tx *gorm.DB) error {
		return database.Exec(tx, "CREATE INDEX idx_jobs_kind ON jobs (kind, run_at)", "DROP INDEX idx_jobs_run_at",
			"ALTER TABLE jobs ADD COLUMN ended bigint NOT NULL DEFAULT 0", "UPDATE jobs SET ended = attempts - 1 WHERE attempts > 0")
	},
	Rollback: func(tx *gorm.DB) error {
		type Job struct {
			RunAt *time.Time `gorm:"index"`
		}
		err := database.Exec(tx, "ALTER TABLE jobs DROP COLUMN ended", "DROP INDEX idx_jobs_kind")
		return errors.Join(err, tx.Migrator().CreateIndex(&Job{}, "RunAt"))
	},
}
