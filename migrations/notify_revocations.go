package migrations

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// Earlier versions made triggers here that sent NOTIFY when a session ended.
// dropNotifyRevoked drops them.
var notifyRevocations = &gormigrate.Migration{
	ID:       "20261123_notify_revocations",
	Migrate:  func(*gorm.DB) error { return nil },
	Rollback: func(*gorm.DB) error { return nil },
}

// A version that runs while this migration does sees revocations after
// jwt.revocation_lag then, as all later versions do.
var dropNotifyRevoked = &gormigrate.Migration{
	ID: "20261201_drop_notify_revoked",
	Migrate: func(tx *gorm.DB) error {
		if tx.Name() != "postgres" {
			return nil
		}
		return tx.Exec("DROP FUNCTION IF EXISTS notify_revoked CASCADE").Error // and its triggers
	},
	Rollback: func(*gorm.DB) error { return nil },
}
