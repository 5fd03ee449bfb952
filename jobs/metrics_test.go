package jobs_test

import (
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"example.com/latchkey/jobs"
	"example.com/latchkey/models"
)

func TestOnlyJobsOfKnownKindsAreOverdue(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		db := open()
		ago := func(d time.Duration) *time.Time { return new(db.NowFunc().Add(-d)) }
		store(t, db, models.Job{Kind: "named", RunAt: ago(10 * time.Minute)}, models.Job{Kind: "renamed", RunAt: ago(time.Hour)})
		registry := prometheus.NewRegistry()
		registry.MustRegister(jobs.Collector(db, []string{"named"}))
		figures, err := registry.Gather()
		if err != nil || len(figures) != 2 {
			t.Fatal(figures, err)
		}
		if seconds := figures[1].GetMetric()[0].GetGauge().GetValue(); seconds != 600 {
			t.Errorf("overdue for %v s", seconds)
		}
		states := map[string]float64{}
		for _, metric := range figures[0].GetMetric() {
			states[metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
		}
		if want := (map[string]float64{"waiting": 1, "unknown": 1, "running": 0, "failed": 0}); !maps.Equal(states, want) {
			t.Errorf("%v, want %v", states, want)
		}
	})
}
