package database

import "gorm.io/gorm"

// The numbers of locks.
const (
	LockAdmins = migrationLock + 1 // for changes that may remove an admin
	LockMails  = migrationLock + 2 // for the count of the mails of an address
)

// Lock waits for the lock with a number, and holds it until tx ends. It does nothing
// in SQLite, which has one writer at a time.
func Lock(tx *gorm.DB, number int64) error {
	if tx.Name() != "postgres" {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", number).Error
}
