package migrations

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var countEmailChanges = &gormigrate.Migration{
	ID: "20261130_count_email_changes",
	Migrate: func(tx *gorm.DB) error {
		return tx.Exec("ALTER TABLE users ADD COLUMN email_changes bigint NOT NULL DEFAULT 0").Error
	},
	Rollback: func(tx *gorm.DB) error { return tx.Exec("ALTER TABLE users DROP COLUMN email_changes").Error },
}
