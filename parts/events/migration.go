package events

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// A user has no foreign key, because events outlive their user. The ids begin with the
// time, so the primary key also finds the oldest events.
var createEvents = &gormigrate.Migration{
	ID: "20261128_create_events",
	Migrate: func(tx *gorm.DB) error {
		type Event struct {
			ID        string    `gorm:"type:uuid;primaryKey;index:idx_events_kind,priority:2;index:idx_events_user,priority:2"`
			CreatedAt time.Time `gorm:"not null"`
			Kind      string    `gorm:"not null;index:idx_events_kind,priority:1"`
			UserID    *string   `gorm:"type:uuid;index:idx_events_user,priority:1"`
			ActorID   *string   `gorm:"type:uuid"`
			SessionID *string   `gorm:"type:uuid"`
			IP        string    `gorm:"not null"`
			UserAgent string    `gorm:"not null"`
			RequestID string    `gorm:"not null"`
			Details   string    `gorm:"not null"`
		}
		return tx.Migrator().CreateTable(&Event{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("events") },
}
