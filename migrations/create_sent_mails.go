package migrations

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var createSentMails = &gormigrate.Migration{
	ID: "20261125_create_sent_mails",
	Migrate: func(tx *gorm.DB) error {
		type User struct {
			ID string `gorm:"type:uuid;primaryKey"`
		}
		type SentMail struct {
			ID        string    `gorm:"type:uuid;primaryKey"`
			CreatedAt time.Time `gorm:"not null"`
			UserID    string    `gorm:"type:uuid;not null;index:idx_sent_mails_user,priority:1"`
			User      User      `gorm:"constraint:OnDelete:CASCADE"`
			Kind      string    `gorm:"not null;index:idx_sent_mails_user,priority:2"`
		}
		return tx.Migrator().CreateTable(&SentMail{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("sent_mails") },
}
