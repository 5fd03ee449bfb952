package migrations

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var createUsers = &gormigrate.Migration{
	ID: "20261123_create_users",
	Migrate: func(tx *gorm.DB) error {
		// The columns at the time of this migration: models.User changes later.
		type User struct {
			ID            string    `gorm:"type:uuid;primaryKey"`
			CreatedAt     time.Time `gorm:"not null"`
			Email         string    `gorm:"not null;uniqueIndex"`
			PasswordHash  string    `gorm:"not null"`
			Role          string    `gorm:"not null"`
			EmailVerified bool      `gorm:"not null"`
			Disabled      bool      `gorm:"not null"`
		}
		return tx.Migrator().CreateTable(&User{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("users") },
}
