package throttle

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Request counts a request for a mail by the current caller, whoever gets that mail. A
// network may have as many in login.window as an address may have failures. The error is
// too_many_attempts.
func (t *Throttle) Request(db *gorm.DB) error {
	count := Failures{Source: "mail " + networkOf(db.Statement.Context)}
	var stored []Failures
	if err := among(db, []Failures{count}).Find(&stored).Error; err != nil {
		return err
	}
	now := db.NowFunc()
	if err := t.refuse(now, stored); err != nil { // without a write
		return err
	}
	count = t.begin(now, count, Failures{})
	if err := t.store(db, now, &count); err != nil {
		return err
	}
	count.Failures-- // those before this one
	return t.refuse(now, []Failures{count})
}

// store adds the failure of a new window to the stored count, or begins that window, and
// reads the result.
func (t *Throttle) store(db *gorm.DB, now time.Time, count *Failures) error {
	const live = "CASE WHEN login_failures.ends_at > ? AND login_failures.ends_at <= ? THEN "
	latest := t.latest(now, *count)
	return db.Clauses(
		clause.OnConflict{
			Columns: []clause.Column{{Name: "account"}, {Name: "source"}},
			DoUpdates: clause.Assignments(map[string]any{
				"failures": gorm.Expr(live+"login_failures.failures + 1 ELSE excluded.failures END", now, latest),
				"ends_at":  gorm.Expr(live+"login_failures.ends_at ELSE excluded.ends_at END", now, latest),
			}),
		},
		clause.Returning{Columns: []clause.Column{{Name: "failures"}, {Name: "ends_at"}}},
	).Create(count).Error
}
