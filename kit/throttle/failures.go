package throttle

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// Failures counts the wrong passwords and codes for an account from a source, for
// an account (its Source is empty), or from a source (its Account is empty). A row
// without failures is a network from which the account has logged in.
type Failures struct {
	Account  string // a keyed hash of its name, with a prefix for codes
	Source   string // the network of a client, or the id of a session
	Failures int
	EndsAt   time.Time
}

// TableName is the name of the table in GORM.
func (Failures) TableName() string { return "login_failures" }

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
