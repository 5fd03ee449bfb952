package migrations

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// The table has no foreign key, because its rows outlive their accounts. It replaces
// sent_mails, which the version before still writes while this one starts.
var createCountedMails = &gormigrate.Migration{
	ID: "20261130_create_counted_mails",
	Migrate: func(tx *gorm.DB) error {
		type CountedMail struct {
			ID        string    `gorm:"type:uuid;primaryKey"`
			CreatedAt time.Time `gorm:"not null;index"`
			Address   string    `gorm:"not null;index:idx_counted_mails_address,priority:1"`
			Kind      string    `gorm:"not null;index:idx_counted_mails_address,priority:2"`
		}
		return tx.Migrator().CreateTable(&CountedMail{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("counted_mails") },
}
