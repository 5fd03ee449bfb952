package migrations

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
)

// Indexes for the filters of the list of users.
var indexUsers = &gormigrate.Migration{
	ID: "20261128_index_users",
	Migrate: func(tx *gorm.DB) error {
		if tx.Name() == "postgres" { // for HasPrefix; in SQLite, the unique index is enough
			if err := tx.Exec(`CREATE INDEX idx_users_email_prefix ON users (email COLLATE "C")`).Error; err != nil {
				return err
			}
		}
		return database.Exec(tx, "CREATE INDEX idx_users_role ON users (role, id)", "CREATE INDEX idx_users_disabled ON users (id) WHERE disabled",
			"DROP INDEX idx_users_admins") // idx_users_role finds the admins too
	},
	Rollback: func(tx *gorm.DB) error {
		return database.Exec(tx, "DROP INDEX IF EXISTS idx_users_email_prefix", "DROP INDEX idx_users_role", "DROP INDEX idx_users_disabled",
			"CREATE INDEX idx_users_admins ON users (role) WHERE role = 'admin'")
	},
}
