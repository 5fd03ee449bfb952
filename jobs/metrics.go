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
// database count the same jobs.
func Collector(db *gorm.DB) prometheus.Collector {
	return collector{
		db:      db,
		jobs:    prometheus.NewDesc("jobs", "Jobs in the database by state: waiting, running or failed.", []string{"state"}, nil),
		overdue: prometheus.NewDesc("jobs_overdue_seconds", "How long the job has waited that is due for the longest time.", nil, nil),
	}
}

type collector struct {
	db            *gorm.DB
	jobs, overdue *prometheus.Desc
}

// Describe is a part of Prometheus' interface.
func (c collector) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- c.jobs
	descriptions <- c.overdue
}

// Collect sends the counts or, if the database does not answer, an error.
func (c collector) Collect(metrics chan<- prometheus.Metric) {
	all, err := count(c.db)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(c.jobs, err)
		return
	}
	for state, n := range map[string]int64{models.JobWaiting: all.Waiting, models.JobRunning: all.Running, models.JobFailed: all.Failed} {
		metrics <- prometheus.MustNewConstMetric(c.jobs, prometheus.GaugeValue, float64(n), state)
	}
	metrics <- prometheus.MustNewConstMetric(c.overdue, prometheus.GaugeValue, all.overdue.Seconds())
}

type counts struct {
	Waiting, Running, Failed int64
	overdue                  time.Duration
}

// count counts as models.Job.State does, with the index of run_at.
func count(db *gorm.DB) (all counts, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	db = db.WithContext(ctx)
	now := fromNow(db, 0)
	const running = "(SELECT count(*) FROM jobs WHERE run_at > ? AND attempts > 0 AND error = '')"
	err = db.Raw("SELECT "+running+" AS running, (SELECT count(*) FROM jobs WHERE run_at IS NULL) AS failed, "+
		"(SELECT count(*) FROM jobs WHERE run_at IS NOT NULL) - "+running+" AS waiting", now, now).Scan(&all).Error
	if err != nil {
		return all, err
	}
	var first models.Job
	found := db.Select("run_at").Where("run_at <= ?", now).Order("run_at").Limit(1).Find(&first)
	if found.RowsAffected == 1 {
		all.overdue = max(0, db.NowFunc().Sub(*first.RunAt))
	}
	return all, found.Error
}
