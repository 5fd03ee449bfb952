package database

import (
	"database/sql"

	"gorm.io/gorm"
)

// Pools returns the pools of connections by their names, for figures of them. SQLite has
// one that writes and one that reads.
func Pools(db *gorm.DB) (map[string]*sql.DB, error) {
	pool, err := db.DB()
	if readers := accessOf(db).readers; readers != nil {
		return map[string]*sql.DB{db.Name() + "_writer": pool, db.Name() + "_readers": readers}, err
	}
	return map[string]*sql.DB{db.Name(): pool}, err
}
