package database

import (
	"cmp"
	"context"
	"database/sql/driver"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// freeKey is the key of the function that frees the timeout of a statement.
type freeKey struct{}

// withRowsTimeout is withTimeout for a statement whose rows are read later; rowsClosed
// frees it. That does not end the context, which database/sql could report as an error
// of the rows.
func withRowsTimeout(ctx context.Context, limit time.Duration) (limited context.Context, free context.CancelFunc) {
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
// database/sql tells that, so the drivers' rows do.
func rowsClosed(ctx context.Context) {
	if free, ok := ctx.Value(freeKey{}).(context.CancelFunc); ok {
		free()
	}
}

// postgresConnector opens connections whose rows call rowsClosed.
type postgresConnector struct{ driver.Connector }

func (c postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return postgresConn{opened.(*stdlib.Conn)}, nil
}

type postgresConn struct{ *stdlib.Conn }

func (c postgresConn) QueryContext(ctx context.Context, query string, values []driver.NamedValue) (driver.Rows, error) {
	found, err := c.Conn.QueryContext(ctx, query, values)
	if err != nil {
		return nil, err
	}
	return &postgresRows{found.(*stdlib.Rows), func() { rowsClosed(ctx) }}, nil
}

type postgresRows struct {
	*stdlib.Rows
	done func()
}

func (r *postgresRows) Close() error {
	defer r.done()
	return r.Rows.Close()
}
