package throttle

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// CreateLoginFailures makes the table of counts.
var CreateLoginFailures = &gormigrate.Migration{
	ID: "20261128_create_login_failures",
	Migrate: func(tx *gorm.DB) error {
		type LoginFailures struct {
			Account  string    `gorm:"primaryKey"`
			Source   string    `gorm:"primaryKey"`
			Failures int64     `gorm:"not null"`
			EndsAt   time.Time `gorm:"not null;index"`
		}
		return tx.Migrator().CreateTable(&LoginFailures{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("login_failures") },
}
