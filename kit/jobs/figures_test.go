package jobs_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/jobs"
)

func TestOnlyJobsOfKnownKindsAreOverdue(t *testing.T) {
	onClock(t, func(t *testing.T, open func() *gorm.DB) {
		db := open()
		ago := func(d time.Duration) *time.Time { return new(db.NowFunc().Add(-d)) }
		store(t, db, jobs.Row{Kind: "named", RunAt: ago(10 * time.Minute)}, jobs.Row{Kind: "renamed", RunAt: ago(time.Hour)})
		states, err := jobs.Count(db, []string{"named"})
		overdue, overdueErr := jobs.Overdue(db, []string{"named"})
		if err := errors.Join(err, overdueErr); err != nil || overdue != 10*time.Minute {
			t.Errorf("overdue for %v, %v", overdue, err)
		}
		if want := (map[string]int64{"waiting": 1, "unknown": 1, "running": 0, "failed": 0}); !maps.Equal(states, want) {
			t.Errorf("%v, want %v", states, want)
		}
	})
}
