package database

import "gorm.io/gorm"

// HasPrefix selects the rows whose column begins with a text. An index makes it fast,
// in PostgreSQL one with COLLATE "C".
func HasPrefix(db *gorm.DB, column, prefix string) *gorm.DB {
	if db.Name() == "postgres" {
		column += ` COLLATE "C"` // the order of the bytes, as in SQLite
	}
	return db.Where(column+" >= ? AND "+column+" < ?", prefix, prefix+"\U0010ffff")
}
