package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"example.com/latchkey/kit/problem"
)

// pool is the pool of connections that GORM uses. It chooses the connection of a
// statement outside a transaction, and limits how long that takes.
type pool struct {
	*sql.DB
	readers     *sql.DB // connections for statements that only read, in SQLite
	schema      Schema
	timeout     time.Duration // of a statement, with the wait for a connection; 0 is none
	lockTimeout time.Duration // of a lock in PostgreSQL
	pooled      bool          // by a pooler, so that each transaction must set lock_timeout
}

func poolOf(db *gorm.DB) *pool { return db.ConnPool.(*pool) }

// open opens the database for GORM, or closes the pool.
func (p *pool) open(dialector gorm.Dialector) (*gorm.DB, error) {
	db, err := gorm.Open(dialector, &gorm.Config{
		Logger: logger.Discard,
		// SQLite compares times as text, so they all need one time zone. PostgreSQL
		// stores microseconds.
		NowFunc:                func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
		QueryFields:            true, // a prepared SELECT * fails when a later version adds a column
		SkipDefaultTransaction: true,
		TranslateError:         true,
	})
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return db, nil
}

// Close closes both pools.
func (p *pool) Close() error {
	if p.readers == nil {
		return p.DB.Close()
	}
	return errors.Join(p.readers.Close(), p.DB.Close())
}

// GetDBConn returns the pool that gorm.DB.DB returns.
func (p *pool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

func (p *pool) ExecContext(ctx context.Context, query string, values ...any) (sql.Result, error) {
	ctx, free := withTimeout(ctx, p.timeout)
	defer free()
	result, err := p.DB.ExecContext(ctx, query, values...)
	return result, timeoutError(ctx, err)
}

func (p *pool) QueryContext(ctx context.Context, query string, values ...any) (*sql.Rows, error) {
	if p.readers != nil && reads(query) {
		return p.readers.QueryContext(ctx, query, values...)
	}
	ctx, free := withTimeout(ctx, p.timeout)
	rows, err := p.DB.QueryContext(ctx, query, values...) //nolint:sqlclosecheck // the caller closes them
	if err != nil {
		free() // there are no rows that are closed later
	}
	return rows, timeoutError(ctx, err)
}

func (p *pool) QueryRowContext(ctx context.Context, query string, values ...any) *sql.Row {
	if p.readers != nil && reads(query) {
		return p.readers.QueryRowContext(ctx, query, values...)
	}
	ctx, free := withTimeout(ctx, p.timeout)
	row := p.DB.QueryRowContext(ctx, query, values...)
	if row.Err() != nil {
		free()
	}
	return row
}

// reads reports whether a statement that returns rows only reads.
var reads = regexp.MustCompile(`(?i)^\s*select\b`).MatchString

// Pools returns the pools of connections by their names, for figures of them. SQLite has
// one that writes and one that reads.
func Pools(db *gorm.DB) (map[string]*sql.DB, error) {
	p := poolOf(db)
	if p.readers == nil {
		return map[string]*sql.DB{db.Name(): p.DB}, nil
	}
	return map[string]*sql.DB{db.Name() + "_writer": p.DB, db.Name() + "_readers": p.readers}, nil
}

// errTimeout is the cause of a context that withTimeout or Transaction has ended.
var errTimeout = errors.New("the database took too long: it is overloaded, another process has locked it, " +
	"or a function in database.Transaction does not use the tx that it is given, and waits for itself")

const forever = time.Duration(math.MaxInt64)

// freeKey is the key of the function that frees the timeout of a statement.
type freeKey struct{}

// withTimeout returns the context of a statement, which ends with ctx or after limit.
// free ends the waiting for both, but not the context, because database/sql could report
// that as an error of rows that are closed.
func withTimeout(ctx context.Context, limit time.Duration) (limited context.Context, free func()) {
	limited, end := context.WithCancelCause(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		end(context.Cause(ctx)) // AfterFunc would be too late
	}
	stop := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	timer := time.AfterFunc(cmp.Or(limit, forever), func() { end(errTimeout) })
	free = func() {
		stop()
		timer.Stop()
	}
	return context.WithValue(limited, freeKey{}, free), free
}

// rowsClosed frees the timeout of a statement whose rows are closed. No interface of
// database/sql tells that, so the drivers do.
func rowsClosed(ctx context.Context) {
	if free, ok := ctx.Value(freeKey{}).(func()); ok {
		free()
	}
}

// rowsTracer calls rowsClosed for the rows of PostgreSQL.
type rowsTracer struct{}

func (rowsTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (rowsTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	rowsClosed(ctx)
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
