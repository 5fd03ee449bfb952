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

	"example.com/latchkey/kit/problem"
)

// access is a plugin of GORM: it chooses the connection of a statement, and limits
// how long statements and transactions take. A timeout of 0 is no limit.
type access struct {
	pooled             bool          // by a pooler such as PgBouncer in transaction mode
	pooledLockTimeout  time.Duration // for a lock in a transaction, where a connection cannot have it
	readers            *sql.DB       // connections for statements that only read, in SQLite
	statementTimeout   time.Duration // for one outside a transaction, with the wait for a connection
	beginTimeout       time.Duration // for the wait until a transaction begins
	transactionTimeout time.Duration // for a transaction, with that wait
}

// Name is the name of the plugin in GORM.
func (access) Name() string { return "access" }

func accessOf(db *gorm.DB) access {
	a, _ := db.Plugins[access{}.Name()].(access)
	return a
}

// Initialize wraps every callback of GORM that runs statements.
func (a access) Initialize(db *gorm.DB) error {
	all := db.Callback()
	return errors.Join(
		a.wrap(all.Create(), "gorm:create"), a.wrap(all.Query(), "gorm:query"), a.wrap(all.Update(), "gorm:update"),
		a.wrap(all.Delete(), "gorm:delete"), a.wrap(all.Row(), "gorm:row"), a.wrap(all.Raw(), "gorm:raw"),
	)
}

type processor interface {
	Get(name string) func(*gorm.DB)
	Replace(name string, with func(*gorm.DB)) error
}

func (a access) wrap(of processor, name string) error {
	run := of.Get(name)
	returnsRows := name == "gorm:query" || name == "gorm:row"
	return of.Replace(name, func(db *gorm.DB) {
		statement := db.Statement
		pool, original := statement.ConnPool, statement.Context
		switch {
		case pool != db.ConnPool: // a transaction, which has its own limit
			run(db)
			return
		case a.readers != nil && returnsRows && reads(statement):
			statement.ConnPool = a.readers
			run(db)
		default:
			limit := withTimeout
			if name == "gorm:row" {
				limit = withRowsTimeout
			}
			ctx, free := limit(original, a.statementTimeout)
			statement.Context = ctx
			run(db)
			db.Error = timeoutError(ctx, db.Error)
			if row, ok := statement.Dest.(*sql.Row); name != "gorm:row" || db.Error != nil || ok && row.Err() != nil {
				free() // there are no rows to read later
			}
		}
		statement.ConnPool, statement.Context = pool, original
	})
}

// reads reports whether a statement that returns rows only reads.
func reads(statement *gorm.Statement) bool {
	_, locks := statement.Clauses["FOR"]
	text := strings.TrimSpace(statement.SQL.String())
	return !locks && (text == "" || strings.EqualFold(text[:min(len(text), 6)], "select"))
}

// errTimeout is the cause of a context that withTimeout or begin has ended.
var errTimeout = errors.New("the database took too long: it is overloaded, another process has locked it, " +
	"or a function in database.Transaction does not use the tx that it is given, and waits for itself")

const forever = time.Duration(math.MaxInt64)

func withTimeout(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, cmp.Or(limit, forever), errTimeout)
}

// timeoutError returns problem.Unavailable for err if one of our timeouts has ended
// ctx. If ctx ended otherwise, and database/sql only reports that the transaction is
// over, it returns the error of ctx.
func timeoutError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case context.Cause(ctx) == errTimeout: //nolint:errorlint // never wrapped
		return problem.Unavailable.Because(fmt.Errorf("%w: %w", errTimeout, err))
	case errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}
