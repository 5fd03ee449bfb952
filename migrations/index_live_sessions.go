package migrations

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// An index for the live sessions of a user in their order, so that ended ones do not
// make the list and the limit slow.
var indexLiveSessions = &gormigrate.Migration{
	ID: "20261125_index_live_sessions",
	Migrate: func(tx *gorm.DB) error {
		return tx.Exec("CREATE INDEX idx_sessions_live ON sessions (user_id, id) WHERE revoked_at IS NULL").Error
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropIndex("sessions", "idx_sessions_live") },
}
