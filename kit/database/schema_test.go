package database_test

import (
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
)

// schema is that of a small program with users and their sessions.
var schema = database.Schema{
	{
		ID: "1_create_users",
		Migrate: func(tx *gorm.DB) error {
			type User struct {
				ID            string    `gorm:"type:uuid;primaryKey"`
				CreatedAt     time.Time `gorm:"not null"`
				Email         string    `gorm:"not null;uniqueIndex"`
				PasswordHash  string    `gorm:"not null"`
				Role          string    `gorm:"not null"`
				EmailVerified bool      `gorm:"not null"`
				Disabled      bool      `gorm:"not null"`
				Name          *string
			}
			return tx.Migrator().CreateTable(&User{})
		},
		Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("users") },
	},
	{
		ID: "2_create_sessions",
		Migrate: func(tx *gorm.DB) error {
			type User struct {
				ID string `gorm:"type:uuid;primaryKey"`
			}
			type Session struct {
				ID            string    `gorm:"type:uuid;primaryKey"`
				CreatedAt     time.Time `gorm:"not null"`
				UserID        string    `gorm:"type:uuid;not null;index"`
				User          User      `gorm:"constraint:OnDelete:CASCADE"`
				LastUsedAt    time.Time `gorm:"not null"`
				ExpiresAt     time.Time `gorm:"not null"`
				RevokedAt     *time.Time
				RevokedReason string `gorm:"not null"`
				UserAgent     string `gorm:"not null"`
				Counter       int64  `gorm:"not null"`
			}
			return tx.Migrator().CreateTable(&Session{})
		},
		Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("sessions") },
	},
	jobs.CreateJobs,
	jobs.TurnJobs,
}

var program = apptest.NewProgram(schema, nil)

type Base struct {
	ID        uuid.UUID
	CreatedAt time.Time
}

func (b *Base) BeforeCreate(*gorm.DB) (err error) {
	if b.ID.IsNil() {
		b.ID, err = uuid.NewV7()
	}
	return err
}

type User struct {
	Base
	Email         string
	PasswordHash  string
	Role          string
	EmailVerified bool
	Disabled      bool
	Name          *string
}

type Session struct {
	Base
	UserID        uuid.UUID
	LastUsedAt    time.Time
	ExpiresAt     time.Time
	RevokedAt     *time.Time
	RevokedReason string
	UserAgent     string
	Counter       uint32
}
