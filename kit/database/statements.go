package database

import (
	"strings"

	"gorm.io/gorm"
)

// Lock waits for the lock with a number, and holds it until tx ends. It does nothing
// in SQLite, which has one writer at a time.
func Lock(tx *gorm.DB, number int64) error {
	if tx.Name() != "postgres" {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", number).Error
}

// Exec runs statements in their order, until one fails.
func Exec(tx *gorm.DB, statements ...string) error {
	return tx.Exec(strings.Join(statements, ";\n")).Error
}

// HasPrefix selects the rows whose column begins with a text. An index makes it fast,
// in PostgreSQL one with COLLATE "C".
func HasPrefix(db *gorm.DB, column, prefix string) *gorm.DB {
	if db.Name() == "postgres" {
		column += ` COLLATE "C"` // the order of the bytes, as in SQLite
	}
	return db.Where(column+" >= ? AND "+column+" < ?", prefix, prefix+"\U0010ffff")
}
