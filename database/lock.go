package database

import "gorm.io/gorm"

// LockAdmins is the lock of changes that may take an admin away.
const LockAdmins = migrationLock + 1

// Lock waits until no other transaction holds the lock of that number, and
// holds it until tx ends. SQLite has one writer, so there it does nothing.
func Lock(tx *gorm.DB, number int64) error {
	if tx.Name() != "postgres" {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", number).Error
}
