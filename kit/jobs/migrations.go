package jobs

import (
	"errors"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
)

// CreateJobs makes the table of jobs.
var CreateJobs = &gormigrate.Migration{
	ID: "20261125_create_jobs",
	Migrate: func(tx *gorm.DB) error {
		type Job struct {
			ID        string     `gorm:"type:uuid;primaryKey"`
			CreatedAt time.Time  `gorm:"not null"`
			Kind      string     `gorm:"not null"`
			Args      string     `gorm:"not null"`
			RunAt     *time.Time `gorm:"index"`
			Attempts  int64      `gorm:"not null"`
			Error     string     `gorm:"not null"`
			UniqueKey *string    `gorm:"uniqueIndex"`
		}
		return tx.Migrator().CreateTable(&Job{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("jobs") },
}

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
