package apikeys

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var createAPIKeys = &gormigrate.Migration{
	ID: "20261128_create_api_keys",
	Migrate: func(tx *gorm.DB) error {
		type User struct {
			ID string `gorm:"type:uuid;primaryKey"`
		}
		type APIKey struct {
			ID         string    `gorm:"type:uuid;primaryKey"`
			CreatedAt  time.Time `gorm:"not null"`
			UserID     string    `gorm:"type:uuid;not null;index"`
			User       User      `gorm:"constraint:OnDelete:CASCADE"`
			Name       string    `gorm:"not null"`
			Scope      string    `gorm:"not null"`
			Hash       []byte    `gorm:"not null;uniqueIndex"`
			ExpiresAt  *time.Time
			LastUsedAt *time.Time
		}
		return tx.Migrator().CreateTable(&APIKey{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("api_keys") },
}
