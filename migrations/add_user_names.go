package migrations

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var addUserNames = &gormigrate.Migration{
	ID:       "20261125_add_user_names",
	Migrate:  func(tx *gorm.DB) error { return tx.Exec("ALTER TABLE users ADD COLUMN name text").Error },
	Rollback: func(tx *gorm.DB) error { return tx.Exec("ALTER TABLE users DROP COLUMN name").Error },
}
