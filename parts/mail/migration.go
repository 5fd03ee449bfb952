package mail

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"example.com/latchkey/kit/rows"
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

// countedMail is a mail of the last hour, which counts for the limit of its kind.
type countedMail struct {
	rows.Base
	Address string // a keyed hash of where it went
	Kind    string // its text
}
