package browser

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

var createBrowserSessions = &gormigrate.Migration{
	ID: "20261201_create_browser_sessions",
	Migrate: func(tx *gorm.DB) error {
		type Session struct {
			ID string `gorm:"type:uuid;primaryKey"`
		}
		type BrowserSession struct {
			SessionID   string    `gorm:"type:uuid;primaryKey"`
			Session     Session   `gorm:"constraint:OnDelete:CASCADE"`
			CookieSetAt time.Time `gorm:"not null"`
		}
		return tx.Migrator().CreateTable(&BrowserSession{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("browser_sessions") },
}
