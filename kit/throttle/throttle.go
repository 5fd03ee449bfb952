// Package throttle limits how often passwords and codes can be guessed.
package throttle

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/seal"
)

// Throttle limits how many passwords and codes can be guessed. It counts the wrong ones
// in the database, so for all processes together, in windows that begin with the first.
type Throttle struct {
	db     *gorm.DB
	keys   seal.Keys // of the hashes of accounts: strangers type them, and some type a password there
	max    int
	window time.Duration
}

// Guess is a guess by the client of the context (client.From).
type Guess struct {
	Account string // as it was typed, such as an email
	Session string // of a signed-in user, or ""
	Of      Guessed
}

// Guessed is what is guessed about an account.
type Guessed string

// Codes are counted apart from passwords. Only a right code clears their counts, and
// each login.max_failures of them make the next window twice as long, up to a day.
const (
	Password Guessed = ""
	Code     Guessed = "code"
)

const (
	aloneFactor   = 10             // times login.max_failures is the limit of an account from all sources, and of a source for all accounts
	maxCodeWindow = 24 * time.Hour // also how long wrong codes are counted after the last window
	knownFor      = 30 * 24 * time.Hour

	// maxSkew is how far the clock of another process may be ahead. A window that ends
	// later than this allows began before the clock was set back, and has ended.
	maxSkew = time.Minute

	codeAccount  = "code "  // begins the Account of a count of codes
	knownNetwork = "login " // begins the Source of a network from which an account has logged in
)

// New makes a Throttle from settings that Check accepts. Nobody else has the keys.
func New(db *gorm.DB, keys seal.Keys, settings Settings) *Throttle {
	return &Throttle{db: db, keys: keys, max: settings.MaxFailures, window: settings.Window}
}

func (t *Throttle) account(typed string, of Guessed) string {
	hash := hex.EncodeToString(t.keys.Hash(typed))
	if of == Code {
		return codeAccount + hash
	}
	return hash
}

func networkOf(ctx context.Context) string { return client.From(ctx).Network() }

// counts returns the counts of a guess by the current caller, in the order in which they
// are locked. Those of the account are the last two. The guesses of a signed-in user
// count for the session where those of others count for the account, so strangers cannot
// fill that count, and a stolen session has one count from all addresses.
func (t *Throttle) counts(ctx context.Context, g Guess) []Failures {
	account, network := t.account(g.Account, g.Of), networkOf(ctx)
	return []Failures{{Source: network}, {Account: account, Source: g.Session}, {Account: account, Source: network}}
}

// load reads what is stored of counts.
func load(db *gorm.DB, counts []Failures) error {
	for _, count := range counts {
		db = db.Or("account = ? AND source = ?", count.Account, count.Source)
	}
	var stored []Failures
	err := db.Find(&stored).Error
	for _, row := range stored {
		isOf := func(count Failures) bool { return count.Account == row.Account && count.Source == row.Source }
		counts[slices.IndexFunc(counts, isOf)] = row
	}
	return err
}

// known is the row of the current caller's network, if the account has logged in there.
func (t *Throttle) known(ctx context.Context, account string) Failures {
	return Failures{Account: t.account(account, Password), Source: knownNetwork + networkOf(ctx)}
}

// Remember stores in a transaction that an account has logged in from the network of the
// current caller. For 30 days, wrong guesses of others do not refuse that network.
func (t *Throttle) Remember(ctx context.Context, tx *gorm.DB, account string) error {
	row := t.known(ctx, account)
	row.EndsAt = tx.NowFunc().Add(knownFor)
	return tx.Clauses(clause.OnConflict{UpdateAll: true, Columns: []clause.Column{{Name: "account"}, {Name: "source"}}}).Create(&row).Error
}

// read returns the counts that apply to a guess by the current caller, as they are
// stored. The count of the account does not apply in a network from which it has logged
// in, so that strangers cannot lock its owner out.
func (t *Throttle) read(ctx context.Context, db *gorm.DB, g Guess) ([]Failures, error) {
	counts := append(t.counts(ctx, g), t.known(ctx, g.Account))
	if err := load(db, counts); err != nil {
		return nil, err
	}
	counts, known := counts[:len(counts)-1], counts[len(counts)-1]
	if now := db.NowFunc(); known.EndsAt.After(now) && !known.EndsAt.After(now.Add(knownFor+maxSkew)) {
		counts = slices.DeleteFunc(counts, func(count Failures) bool { return count.Source == "" })
	}
	return counts, nil
}

func isOfCodes(count Failures) bool { return strings.HasPrefix(count.Account, codeAccount) }

func (t *Throttle) limit(count Failures) int {
	if count.Account == "" || count.Source == "" {
		return aloneFactor * t.max
	}
	return t.max
}

func (t *Throttle) isFull(count Failures) bool {
	if isOfCodes(count) { // its failures go on from one window to the next
		return count.Failures > 0 && count.Failures%t.limit(count) == 0
	}
	return count.Failures >= t.limit(count)
}

// latest returns the latest possible end of a count's window.
func (t *Throttle) latest(now time.Time, count Failures) time.Time {
	if isOfCodes(count) {
		return now.Add(max(t.window, maxCodeWindow) + maxSkew)
	}
	return now.Add(t.window + maxSkew)
}

// begin returns the first failure of a new window of a count.
func (t *Throttle) begin(now time.Time, count Failures) Failures {
	window, before := t.window, 0
	if isOfCodes(count) && count.EndsAt.After(now.Add(-maxCodeWindow)) {
		before = count.Failures
		for range before / t.limit(count) {
			window = max(t.window, min(2*window, maxCodeWindow))
		}
	}
	return Failures{count.Account, count.Source, before + 1, now.Add(window)}
}

// refuse returns too_many_attempts if one of the counts is full.
func (t *Throttle) refuse(now time.Time, counts []Failures) error {
	var wait time.Duration
	for _, count := range counts {
		if t.isFull(count) && !count.EndsAt.After(t.latest(now, count)) {
			wait = max(wait, count.EndsAt.Sub(now))
		}
	}
	if wait > 0 {
		return problem.TooManyAttempts.WithRetryAfter(wait)
	}
	return nil
}

// Check returns too_many_attempts if a guess is not allowed now.
func (t *Throttle) Check(ctx context.Context, g Guess) error {
	counts, err := t.read(ctx, t.db.WithContext(ctx), g)
	if err != nil {
		return err
	}
	return t.refuse(t.db.NowFunc(), counts)
}

// Fail counts a wrong guess of the current caller in a transaction, and reports whether
// it was the last one that is allowed. Where others at the same time have used up what
// Check allowed, the error is too_many_attempts, and the transaction must be rolled back.
// A transaction that counts a code must have locked the row of the user.
func (t *Throttle) Fail(ctx context.Context, tx *gorm.DB, g Guess) (last bool, err error) {
	counts, err := t.read(ctx, tx, g)
	if err != nil {
		return false, err
	}
	return t.add(tx, counts)
}

// Request counts a request for a mail by the current caller, whoever gets that mail. A
// network may have as many in login.window as an address may have failures. The error is
// too_many_attempts.
func (t *Throttle) Request(db *gorm.DB) error {
	counts := []Failures{{Source: "mail " + networkOf(db.Statement.Context)}}
	if err := load(db, counts); err != nil {
		return err
	}
	_, err := t.add(db, counts)
	return err
}

// add adds a failure to each count, and reports whether one is full now. If one is full
// already, it writes nothing.
func (t *Throttle) add(db *gorm.DB, counts []Failures) (last bool, err error) {
	now := db.NowFunc()
	if err := t.refuse(now, counts); err != nil {
		return false, err
	}
	for _, count := range counts {
		count = t.begin(now, count)
		if err := t.store(db, now, &count); err != nil {
			return false, err
		}
		// Others have filled it since it was read. A count of codes is in a locked row.
		if !isOfCodes(count) && count.Failures > t.limit(count) {
			return false, t.refuse(now, []Failures{count})
		}
		last = last || t.isFull(count)
	}
	return last, nil
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

// Succeed is Check in the transaction of a right guess, so that many guesses at the same
// time get no further than one after the other. It clears the counts of the account that
// apply to the current caller.
func (t *Throttle) Succeed(ctx context.Context, tx *gorm.DB, g Guess) error {
	counts, err := t.read(ctx, tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Order("account, source"), g)
	if err != nil {
		return err
	}
	if err := t.refuse(tx.NowFunc(), counts); err != nil {
		return err
	}
	return tx.Delete(&Failures{}, "account = ? AND source IN ?", t.account(g.Account, g.Of), []string{g.Session, networkOf(ctx)}).Error
}

// Clear removes every count of an account, in a transaction.
func (t *Throttle) Clear(tx *gorm.DB, account string, of Guessed) error {
	return tx.Delete(&Failures{}, "account = ? AND failures > 0", t.account(account, of)).Error
}

// Purge deletes the rows that no longer count.
func (t *Throttle) Purge(ctx context.Context) error {
	const ended = "ends_at <= ? AND (ends_at <= ? OR account NOT LIKE '" + codeAccount + "%')"
	now := t.db.NowFunc()
	before := now.Add(-maxCodeWindow)
	_, err := database.InBatches(ctx, database.BatchPause, func() *gorm.DB {
		rows := t.db.Model(&Failures{}).Select("account, source").Where(ended, now, before).Limit(database.BatchSize)
		// The condition is repeated, because a failure may begin a new window meanwhile.
		return t.db.WithContext(ctx).Where(ended+" AND (account, source) IN (?)", now, before, rows).Delete(&Failures{})
	})
	return err
}
