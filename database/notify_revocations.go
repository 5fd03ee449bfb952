package database

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// Revoked is the channel that tells whose sessions other processes must no
// longer remember, by the user's id.
const Revoked = "revoked"

// In the schema, so that nobody who ends a session can forget to say so, be it
// another program.
var notifyRevocations = &gormigrate.Migration{
	ID: "20261123_notify_revocations",
	Migrate: func(tx *gorm.DB) error {
		if able, err := notifies(tx); err != nil || !able {
			return err
		}
		return each(tx,
			`CREATE FUNCTION notify_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				PERFORM pg_notify('`+Revoked+`', to_jsonb(OLD) ->> TG_ARGV[0]);
				RETURN NULL;
			END $$`,
			`CREATE TRIGGER notify_revoked AFTER UPDATE OF revoked_at OR DELETE ON sessions FOR EACH ROW WHEN (OLD.expires_at > now())
				EXECUTE FUNCTION notify_revoked('user_id')`,
			`CREATE TRIGGER notify_revoked AFTER UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION notify_revoked('id')`,
		)
	},
	Rollback: func(tx *gorm.DB) error {
		if able, err := notifies(tx); err != nil || !able {
			return err
		}
		return each(tx,
			`DROP TRIGGER notify_revoked ON users`,
			`DROP TRIGGER notify_revoked ON sessions`,
			`DROP FUNCTION notify_revoked`,
		)
	},
}

// notifies reports whether the database has NOTIFY; some that speak
// PostgreSQL's protocol have not.
func notifies(tx *gorm.DB) (able bool, err error) {
	if tx.Name() != "postgres" {
		return false, nil
	}
	err = tx.Raw("SELECT EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'pg_notify')").Scan(&able).Error
	return able, err
}

func each(tx *gorm.DB, statements ...string) error {
	for _, statement := range statements {
		if err := tx.Exec(statement).Error; err != nil {
			return err
		}
	}
	return nil
}
