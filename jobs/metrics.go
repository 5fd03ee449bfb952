package jobs

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"example.com/latchkey/models"
)

// countTimeout is much shorter than the timeout of Prometheus.
const countTimeout = 2 * time.Second

// Collector counts the jobs of a database for Prometheus. All processes on that
// database count the same jobs. Those that would wait, of other kinds than these, are
// unknown, and never overdue.
func Collector(db *gorm.DB, kinds []string) prometheus.Collector {
	return collector{
		db:      db,
		kinds:   kinds,
		jobs:    prometheus.NewDesc("jobs", "Jobs in the database by state: waiting, running, failed or unknown.", []string{"state"}, nil),
		overdue: prometheus.NewDesc("jobs_overdue_seconds", "How long the job has waited that is due for the longest time.", nil, nil),
	}
}

type collector struct {
	db            *gorm.DB
	kinds         []string
	jobs, overdue *prometheus.Desc
}

// Describe is a part of Prometheus' interface.
func (c collector) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- c.jobs
	descriptions <- c.overdue
}

// Collect sends the figures or, for each that cannot be read, an error.
func (c collector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	db := c.db.WithContext(ctx)
	if states, err := count(db, c.kinds); err != nil {
		metrics <- prometheus.NewInvalidMetric(c.jobs, err)
	} else {
		for state, n := range states {
			metrics <- prometheus.MustNewConstMetric(c.jobs, prometheus.GaugeValue, float64(n), state)
		}
	}
	if wait, err := overdue(db, c.kinds); err != nil {
		metrics <- prometheus.NewInvalidMetric(c.overdue, err)
	} else {
		metrics <- prometheus.MustNewConstMetric(c.overdue, prometheus.GaugeValue, wait.Seconds())
	}
}

// count counts as models.Job.State does.
func count(db *gorm.DB, kinds []string) (map[string]int64, error) {
	states := map[string]int64{models.JobWaiting: 0, models.JobRunning: 0, models.JobFailed: 0, models.JobUnknown: 0}
	var rows []struct {
		State string
		N     int64
	}
	err := db.Raw("SELECT state, count(*) AS n FROM (SELECT CASE WHEN run_at IS NULL THEN ? WHEN run_at > ? AND attempts > 0 AND error = '' THEN ? "+
		"WHEN kind IN ? THEN ? ELSE ? END AS state FROM jobs) AS states GROUP BY state",
		models.JobFailed, fromNow(db, 0), models.JobRunning, kinds, models.JobWaiting, models.JobUnknown).Scan(&rows).Error
	for _, row := range rows {
		states[row.State] = row.N
	}
	return states, err
}

// overdue returns how long the job has waited that is due for the longest time.
func overdue(db *gorm.DB, kinds []string) (time.Duration, error) {
	var first models.Job
	found := db.Select("run_at").Where("run_at <= ? AND kind IN ?", fromNow(db, 0), kinds).Order("run_at").Limit(1).Find(&first)
	if found.RowsAffected == 0 || found.Error != nil {
		return 0, found.Error
	}
	return max(0, db.NowFunc().Sub(*first.RunAt)), nil
}
