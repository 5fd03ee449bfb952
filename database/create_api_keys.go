package database

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
		if err := tx.Migrator().CreateTable(&APIKey{}); err != nil {
			return err
		}
		if has, err := hasNotify(tx); err != nil || !has {
			return err
		}
		return tx.Exec(`CREATE TRIGGER notify_revoked AFTER UPDATE OF scope, expires_at OR DELETE ON api_keys FOR EACH ROW EXECUTE FUNCTION notify_revoked('user_id')`).Error
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("api_keys") },
}
