package database

import (
	"log/slog"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// maxConnections, in connections, are kept open by one process: PostgreSQL
// serves 100 in all, unless it is told otherwise.
const maxConnections = 20

func openPostgres(url string, log *slog.Logger) (*gorm.DB, error) {
	db, err := gorm.Open(postgres.Open(url), gormConfig(log))
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err == nil {
		pool.SetMaxOpenConns(maxConnections)
		pool.SetMaxIdleConns(maxConnections)
	}
	return db, err
}
