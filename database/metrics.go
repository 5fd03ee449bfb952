package database

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"gorm.io/gorm"
)

// Collectors returns the figures of the connection pools for Prometheus. SQLite has one
// pool that writes and one that reads.
func Collectors(db *gorm.DB) ([]prometheus.Collector, error) {
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	readers := accessOf(db).readers
	if readers == nil {
		return []prometheus.Collector{collectors.NewDBStatsCollector(pool, db.Name())}, nil
	}
	return []prometheus.Collector{
		collectors.NewDBStatsCollector(pool, db.Name()+"_writer"),
		collectors.NewDBStatsCollector(readers, db.Name()+"_readers"),
	}, nil
}
