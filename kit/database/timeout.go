package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/latchkey/kit/problem"
)

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
