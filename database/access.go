package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/problem"
)

// access is how statements reach the database, and how long they may take; 0 is
// no limit.
type access struct {
	pooled      bool          // by PgBouncer, whose connections last for a transaction
	readers     *sql.DB       // SQLite's connections for what only reads
	statement   time.Duration // one outside a transaction, from when it asks for a connection
	turn        time.Duration // a transaction may wait so long until it begins
	transaction time.Duration // and may take so long altogether
}

// Name is GORM's to find the plugin by.
func (access) Name() string { return "access" }

func accessOf(db *gorm.DB) access {
	with, _ := db.Plugins[access{}.Name()].(access)
	return with
}

// Initialize puts access around all that runs statements.
func (a access) Initialize(db *gorm.DB) error {
	all := db.Callback()
	return errors.Join(
		a.around(all.Create(), "gorm:create"), a.around(all.Query(), "gorm:query"), a.around(all.Update(), "gorm:update"),
		a.around(all.Delete(), "gorm:delete"), a.around(all.Row(), "gorm:row"), a.around(all.Raw(), "gorm:raw"),
	)
}

type processor interface {
	Get(name string) func(*gorm.DB)
	Replace(name string, with func(*gorm.DB)) error
}

func (a access) around(of processor, name string) error {
	run := of.Get(name)
	asks := name == "gorm:query" || name == "gorm:row"
	return of.Replace(name, func(db *gorm.DB) {
		statement := db.Statement
		pool, asked := statement.ConnPool, statement.Context
		switch {
		case pool != db.ConnPool: // a transaction, which has its own limit
			run(db)
			return
		case a.readers != nil && asks && reads(statement):
			statement.ConnPool = a.readers
			run(db)
		default:
			ctx, cancel := within(asked, a.statement)
			statement.Context = ctx
			run(db)
			db.Error = late(ctx, db.Error)
			if name != "gorm:row" { // whose rows are still to be read
				cancel()
			}
		}
		statement.ConnPool, statement.Context = pool, asked
	})
}

// reads reports whether a statement that gives rows writes none.
func reads(statement *gorm.Statement) bool {
	_, locks := statement.Clauses["FOR"]
	text := strings.TrimSpace(statement.SQL.String())
	return !locks && (text == "" || strings.EqualFold(text[:min(len(text), 6)], "select"))
}

// errLate is why a context of ours has ended.
var errLate = errors.New("the database took too long: it is overloaded, another process holds it, " +
	"or a function in database.Transaction does not use the handle that it is given, and waits for itself")

const forever = time.Duration(math.MaxInt64)

func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, cmp.Or(limit, forever), errLate)
}

// late gives problem.Unavailable for an error of a context that has ended for
// one of our limits, and the context's own error where it ended otherwise and
// database/sql only says that its transaction is over.
func late(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case context.Cause(ctx) == errLate: //nolint:errorlint // it is never wrapped
		return problem.Unavailable.Because(fmt.Errorf("%w: %w", errLate, err))
	case errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}
