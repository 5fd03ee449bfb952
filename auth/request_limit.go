package auth

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/models"
)

// Request counts a request for a mail by the current caller, whoever gets that mail. A
// network may have as many in login.window as an address may have failures. The error is
// too_many_attempts.
func (t *Throttle) Request(db *gorm.DB) error {
	counts := []models.LoginFailures{{Source: "mail " + networkOf(db.Statement.Context)}}
	var stored []models.LoginFailures
	if err := among(db, counts).Find(&stored).Error; err != nil {
		return err
	}
	now := db.NowFunc()
	if err := t.refuse(now, stored); err != nil { // without a write
		return err
	}
	if err := t.count(db, now, counts); err != nil {
		return err
	}
	counts[0].Failures-- // those before this one
	return t.refuse(now, counts)
}

// count adds one to each of the stored counts, and reads them.
func (t *Throttle) count(db *gorm.DB, now time.Time, counts []models.LoginFailures) error {
	const live = "CASE WHEN login_failures.ends_at > ? AND login_failures.ends_at <= ? THEN "
	for i := range counts {
		counts[i].Failures, counts[i].EndsAt = 1, now.Add(t.window)
	}
	latest := now.Add(t.window + maxSkew)
	return db.Clauses(
		clause.OnConflict{
			Columns: []clause.Column{{Name: "account"}, {Name: "source"}},
			DoUpdates: clause.Assignments(map[string]any{
				"failures": gorm.Expr(live+"login_failures.failures + 1 ELSE 1 END", now, latest),
				"ends_at":  gorm.Expr(live+"login_failures.ends_at ELSE excluded.ends_at END", now, latest),
			}),
		},
		clause.Returning{Columns: []clause.Column{{Name: "account"}, {Name: "source"}, {Name: "failures"}, {Name: "ends_at"}}},
	).Create(&counts).Error
}
