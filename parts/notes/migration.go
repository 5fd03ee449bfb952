package notes

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var createNotes = &gormigrate.Migration{
	ID: "20261123_create_notes",
	Migrate: func(tx *gorm.DB) error {
		type User struct {
			ID string `gorm:"type:uuid;primaryKey"`
		}
		type Note struct {
			ID        string    `gorm:"type:uuid;primaryKey;index:idx_notes_owner,priority:2"`
			CreatedAt time.Time `gorm:"not null"`
			UpdatedAt time.Time `gorm:"not null"`
			OwnerID   string    `gorm:"type:uuid;not null;index:idx_notes_owner,priority:1"`
			Owner     User      `gorm:"constraint:OnDelete:CASCADE"`
			Title     string    `gorm:"not null"`
			Body      string    `gorm:"not null"`
		}
		return tx.Migrator().CreateTable(&Note{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("notes") },
}
