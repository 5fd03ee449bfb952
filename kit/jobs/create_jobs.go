package jobs

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
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
