package jobs

import (
	"time"

	"gorm.io/gorm"
)

// Count returns how many jobs are in each state. Those that would wait, of other kinds than
// these, are Unknown.
func Count(db *gorm.DB, kinds []string) (map[string]int64, error) {
	states := map[string]int64{Waiting: 0, Running: 0, Failed: 0, Unknown: 0}
	var rows []struct {
		State string
		N     int64
	}
	err := db.Raw("SELECT state, count(*) AS n FROM (SELECT CASE WHEN run_at IS NULL THEN ? WHEN run_at > ? AND attempts > 0 AND error = '' THEN ? "+
		"WHEN kind IN ? THEN ? ELSE ? END AS state FROM jobs) AS states GROUP BY state",
		Failed, fromNow(db, 0), Running, kinds, Waiting, Unknown).Scan(&rows).Error
	for _, row := range rows {
		states[row.State] = row.N
	}
	return states, err
}

// Overdue returns how long the job of these kinds has waited that is due for the longest
// time.
func Overdue(db *gorm.DB, kinds []string) (time.Duration, error) {
	var first Row
	found := db.Select("run_at").Where("run_at <= ? AND kind IN ?", fromNow(db, 0), kinds).Order("run_at").Limit(1).Find(&first)
	if found.RowsAffected == 0 || found.Error != nil {
		return 0, found.Error
	}
	return max(0, db.NowFunc().Sub(*first.RunAt)), nil
}
