package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"example.com/latchkey/kit/jobs"
)

// countTimeout is much shorter than the timeout of Prometheus.
const countTimeout = 2 * time.Second

// jobsCollector counts the jobs of a database for Prometheus. All processes on that
// database count the same jobs. Those that would wait, of other kinds than these, are
// unknown, and never overdue.
func jobsCollector(db *gorm.DB, kinds []string) prometheus.Collector {
	return jobsFigures{
		db:      db,
		kinds:   kinds,
		jobs:    prometheus.NewDesc("jobs", "Jobs in the database by state: waiting, running, failed or unknown.", []string{"state"}, nil),
		overdue: prometheus.NewDesc("jobs_overdue_seconds", "How long the job has waited that is due for the longest time.", nil, nil),
	}
}

type jobsFigures struct {
	db            *gorm.DB
	kinds         []string
	jobs, overdue *prometheus.Desc
}

// Describe is a part of Prometheus' interface.
func (c jobsFigures) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- c.jobs
	descriptions <- c.overdue
}

// Collect sends the figures or, for each that cannot be read, an error.
func (c jobsFigures) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	db := c.db.WithContext(ctx)
	if states, err := jobs.Count(db, c.kinds); err != nil {
		metrics <- prometheus.NewInvalidMetric(c.jobs, err)
	} else {
		for state, n := range states {
			metrics <- prometheus.MustNewConstMetric(c.jobs, prometheus.GaugeValue, float64(n), state)
		}
	}
	if wait, err := jobs.Overdue(db, c.kinds); err != nil {
		metrics <- prometheus.NewInvalidMetric(c.overdue, err)
	} else {
		metrics <- prometheus.MustNewConstMetric(c.overdue, prometheus.GaugeValue, wait.Seconds())
	}
}
