package database

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// RevokedChannel is the channel of notifications after which other processes must
// remove a user from their cache. The payload is the user's id.
const RevokedChannel = "revoked"

// Triggers send the notifications, so that every program that ends a session sends
// them.
var notifyRevocations = &gormigrate.Migration{
	ID: "20261123_notify_revocations",
	Migrate: func(tx *gorm.DB) error {
		if has, err := hasNotify(tx); err != nil || !has {
			return err
		}
		return execAll(tx,
			`CREATE FUNCTION notify_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				PERFORM pg_notify('`+RevokedChannel+`', to_jsonb(OLD) ->> TG_ARGV[0]);
				RETURN NULL;
			END $$`,
			`CREATE TRIGGER notify_revoked AFTER UPDATE OF revoked_at OR DELETE ON sessions FOR EACH ROW WHEN (OLD.expires_at > now())
				EXECUTE FUNCTION notify_revoked('user_id')`,
			`CREATE TRIGGER notify_revoked AFTER UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION notify_revoked('id')`,
		)
	},
	Rollback: func(tx *gorm.DB) error {
		if has, err := hasNotify(tx); err != nil || !has {
			return err
		}
		return execAll(tx,
			`DROP TRIGGER notify_revoked ON users`,
			`DROP TRIGGER notify_revoked ON sessions`,
			`DROP FUNCTION notify_revoked`,
		)
	},
}

// hasNotify reports whether the database has NOTIFY. Some databases with
// PostgreSQL's protocol do not have it.
func hasNotify(tx *gorm.DB) (has bool, err error) {
	if tx.Name() != "postgres" {
		return false, nil
	}
	err = tx.Raw("SELECT EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'pg_notify')").Scan(&has).Error
	return has, err
}

func execAll(tx *gorm.DB, statements ...string) error {
	for _, statement := range statements {
		if err := tx.Exec(statement).Error; err != nil {
			return err
		}
	}
	return nil
}
