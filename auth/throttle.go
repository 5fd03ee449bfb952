package auth

import (
	"cmp"
	"context"
	"encoding/hex"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/config"
	"example.com/latchkey/database"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Throttle limits how many passwords and codes can be guessed. It counts the wrong ones
// in the database, so for all processes together, in windows that begin with the first.
type Throttle struct {
	db     *gorm.DB
	key    []byte // of the hashes of emails: strangers type them, and some type a password there
	max    int
	window time.Duration
}

// An account from all sources, or a source for all accounts, may have so many times
// login.max_failures.
const aloneFactor = 10

// maxSkew is how far the clock of another process may be ahead. A window that ends later
// than this allows began before the clock was set back, and has ended.
const maxSkew = time.Minute

// NewThrottle makes a Throttle from settings that config has checked.
func NewThrottle(settings config.Settings, db *gorm.DB) *Throttle {
	return &Throttle{db: db, key: deriveKeys(settings.JWT, "login throttle")[0], max: settings.Login.MaxFailures, window: settings.Login.Window}
}

func (t *Throttle) account(email models.Email) string {
	return hex.EncodeToString(hmacOf(t.key, []byte(email)))
}

// counts returns the counts of a guess by the current caller, in the order in which they
// are locked. Those of the account are the last two. The guesses of a signed-in user
// count for the session where those of others count for the account, so strangers cannot
// fill that count, and a stolen session has one count from all addresses.
func (t *Throttle) counts(ctx context.Context, email models.Email) []models.LoginFailures {
	account, network, all := t.account(email), cmp.Or(ClientFrom(ctx).Network(), "unknown"), ""
	if login, ok := LoginFrom(ctx); ok {
		all = login.SessionID.String()
	}
	return []models.LoginFailures{{Source: network}, {Account: account, Source: all}, {Account: account, Source: network}}
}

// among selects the stored counts.
func among(db *gorm.DB, counts []models.LoginFailures) *gorm.DB {
	for _, count := range counts {
		db = db.Or("account = ? AND source = ?", count.Account, count.Source)
	}
	return db
}

func (t *Throttle) limit(count models.LoginFailures) int {
	if count.Account == "" || count.Source == "" {
		return aloneFactor * t.max
	}
	return t.max
}

// refuse returns too_many_attempts if one of the stored counts is full.
func (t *Throttle) refuse(now time.Time, stored []models.LoginFailures) error {
	var wait time.Duration
	for _, count := range stored {
		if left := count.EndsAt.Sub(now); count.Failures >= t.limit(count) && left <= t.window+maxSkew {
			wait = max(wait, left)
		}
	}
	if wait > 0 {
		return problem.TooManyAttempts.WithRetryAfter(wait)
	}
	return nil
}

// Check returns too_many_attempts if the current caller may not guess a password or a
// code of an account now.
func (t *Throttle) Check(ctx context.Context, email models.Email) error {
	var stored []models.LoginFailures
	if err := among(t.db.WithContext(ctx), t.counts(ctx, email)).Find(&stored).Error; err != nil {
		return err
	}
	return t.refuse(t.db.NowFunc(), stored)
}

// Fail counts a wrong guess of the current caller in a transaction, and reports whether
// it was the last one that is allowed. Where others at the same time have used up what
// Check allowed, the error is too_many_attempts, and the transaction must be rolled back.
func (t *Throttle) Fail(ctx context.Context, tx *gorm.DB, email models.Email) (last bool, err error) {
	const live = "CASE WHEN login_failures.ends_at > ? AND login_failures.ends_at <= ? THEN "
	now, counts := tx.NowFunc(), t.counts(ctx, email)
	for i := range counts {
		counts[i].Failures, counts[i].EndsAt = 1, now.Add(t.window)
	}
	latest := now.Add(t.window + maxSkew)
	err = tx.Clauses(
		clause.OnConflict{
			Columns: []clause.Column{{Name: "account"}, {Name: "source"}},
			DoUpdates: clause.Assignments(map[string]any{
				"failures": gorm.Expr(live+"login_failures.failures + 1 ELSE 1 END", now, latest),
				"ends_at":  gorm.Expr(live+"login_failures.ends_at ELSE excluded.ends_at END", now, latest),
			}),
		},
		clause.Returning{Columns: []clause.Column{{Name: "account"}, {Name: "source"}, {Name: "failures"}, {Name: "ends_at"}}},
	).Create(&counts).Error
	for i := range counts {
		last = last || counts[i].Failures == t.limit(counts[i])
		counts[i].Failures-- // those before this one
	}
	return last, cmp.Or(err, t.refuse(now, counts))
}

// Succeed is Check in the transaction of a right guess, so that many guesses at once are
// worth no more than one after the other. It clears the counts of the account that apply
// to the current caller.
func (t *Throttle) Succeed(ctx context.Context, tx *gorm.DB, email models.Email) error {
	var stored []models.LoginFailures
	counts := t.counts(ctx, email)
	locked := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Order("account, source")
	if err := among(locked, counts).Find(&stored).Error; err != nil {
		return err
	}
	if err := t.refuse(tx.NowFunc(), stored); err != nil || len(stored) == 0 {
		return err
	}
	return among(tx, counts[1:]).Delete(&models.LoginFailures{}).Error
}

// Clear removes every count of an account, in a transaction.
func (t *Throttle) Clear(tx *gorm.DB, email models.Email) error {
	return tx.Delete(&models.LoginFailures{}, "account = ?", t.account(email)).Error
}

// Purge deletes the counts whose window has ended.
func (t *Throttle) Purge(ctx context.Context) error {
	now := t.db.NowFunc()
	_, err := database.InBatches(ctx, database.BatchPause, func() *gorm.DB {
		ended := t.db.Model(&models.LoginFailures{}).Select("account, source").Where("ends_at <= ?", now).Limit(database.BatchSize)
		// The condition is repeated, because a failure may begin a new window meanwhile.
		return t.db.WithContext(ctx).Where("ends_at <= ? AND (account, source) IN (?)", now, ended).Delete(&models.LoginFailures{})
	})
	return err
}
