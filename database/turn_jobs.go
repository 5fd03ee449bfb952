package database

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// An index for the first job of each kind, which finds the jobs that are due too, and
// the number of the last attempt that ended.
var turnJobs = &gormigrate.Migration{
	ID: "20261130_turn_jobs",
	Migrate: func(tx *gorm.DB) error {
		return execAll(tx, "CREATE INDEX idx_jobs_kind ON jobs (kind, run_at)", "DROP INDEX idx_jobs_run_at",
			"ALTER TABLE jobs ADD COLUMN ended bigint NOT NULL DEFAULT 0", "UPDATE jobs SET ended = attempts - 1 WHERE attempts > 0")
	},
	Rollback: func(tx *gorm.DB) error {
		return execAll(tx, "ALTER TABLE jobs DROP COLUMN ended", "CREATE INDEX idx_jobs_run_at ON jobs (run_at)", "DROP INDEX idx_jobs_kind")
	},
}
