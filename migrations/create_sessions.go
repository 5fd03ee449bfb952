package migrations

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var createSessions = &gormigrate.Migration{
	ID: "20261123_create_sessions",
	Migrate: func(tx *gorm.DB) error {
		type User struct {
			ID   string `gorm:"type:uuid;primaryKey"`
			Role string `gorm:"not null;index:idx_users_admins,where:role = 'admin'"`
		}
		type Session struct {
			ID            string    `gorm:"type:uuid;primaryKey"`
			CreatedAt     time.Time `gorm:"not null"`
			UserID        string    `gorm:"type:uuid;not null;index"`
			User          User      `gorm:"constraint:OnDelete:CASCADE"`
			LastUsedAt    time.Time `gorm:"not null"`
			ExpiresAt     time.Time `gorm:"not null;index"`
			IP            string    `gorm:"not null"`
			UserAgent     string    `gorm:"not null"`
			Counter       int64     `gorm:"not null"`
			RevokedAt     *time.Time
			RevokedReason string `gorm:"not null"`
		}
		if err := tx.Migrator().CreateIndex(&User{}, "idx_users_admins"); err != nil {
			return err
		}
		return tx.Migrator().CreateTable(&Session{})
	},
	Rollback: func(tx *gorm.DB) error {
		if err := tx.Migrator().DropTable("sessions"); err != nil {
			return err
		}
		return tx.Migrator().DropIndex("users", "idx_users_admins")
	},
}
