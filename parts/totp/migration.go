package totp

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var createTOTP = &gormigrate.Migration{
	ID: "20261128_create_totp",
	Migrate: func(tx *gorm.DB) error {
		type User struct {
			ID string `gorm:"type:uuid;primaryKey"`
		}
		type TOTPSecret struct {
			UserID    string    `gorm:"type:uuid;primaryKey"`
			User      User      `gorm:"constraint:OnDelete:CASCADE"`
			CreatedAt time.Time `gorm:"not null"`
			Secret    []byte    `gorm:"not null"`
			Confirmed bool      `gorm:"not null"`
			LastStep  int64     `gorm:"not null"`
		}
		type RecoveryCode struct {
			UserID string `gorm:"type:uuid;primaryKey"`
			User   User   `gorm:"constraint:OnDelete:CASCADE"`
			Hash   []byte `gorm:"primaryKey"`
		}
		return tx.Migrator().CreateTable(&TOTPSecret{}, &RecoveryCode{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("recovery_codes", "totp_secrets") },
}
