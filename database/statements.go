package database

import (
	"context"
	"database/sql/driver"
	"errors"
)

// maxKept is how many statements a connection keeps prepared.
const maxKept = 128

// sqliteConn is what database/sql asks of a connection, and the driver's has.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// connection keeps its statements prepared. GORM can do so too, but it has all
// who run a statement wait for the first one's preparation, and when that
// client hangs up it cancels them all.
type connection struct {
	sqliteConn
	file *sqliteFile
	kept map[string]driver.Stmt // those that are not in use
}

// ResetSession is asked before each use; a new connection then fails too, and
// says why.
func (c *connection) ResetSession(ctx context.Context) error {
	if c.file.isThere() != nil {
		return driver.ErrBadConn
	}
	return c.sqliteConn.ResetSession(ctx)
}

func (c *connection) ExecContext(ctx context.Context, query string, values []driver.NamedValue) (driver.Result, error) {
	statement, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	defer c.keep(query, statement)
	return statement.(driver.StmtExecContext).ExecContext(ctx, values)
}

func (c *connection) QueryContext(ctx context.Context, query string, values []driver.NamedValue) (driver.Rows, error) {
	statement, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	found, err := statement.(driver.StmtQueryContext).QueryContext(ctx, values)
	if err != nil {
		c.keep(query, statement)
		return nil, err
	}
	return &rows{found.(sqliteRows), func() { c.keep(query, statement) }}, nil
}

// take gives a statement to one user at a time: a second one, who asks the same
// while the rows of the first are open, gets another.
func (c *connection) take(ctx context.Context, query string) (driver.Stmt, error) {
	if statement, ok := c.kept[query]; ok {
		delete(c.kept, query)
		return statement, nil
	}
	return c.PrepareContext(ctx, query)
}

func (c *connection) keep(query string, statement driver.Stmt) {
	if len(c.kept) == maxKept {
		for other, old := range c.kept { // any
			delete(c.kept, other)
			_ = old.Close()
			break
		}
	}
	if twin, ok := c.kept[query]; ok {
		_ = twin.Close()
	}
	c.kept[query] = statement
}

func (c *connection) Close() (err error) {
	for _, statement := range c.kept {
		err = errors.Join(err, statement.Close())
	}
	c.kept = map[string]driver.Stmt{}
	return errors.Join(err, c.sqliteConn.Close())
}

// sqliteRows is what database/sql asks of rows, and the driver's have.
type sqliteRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

type rows struct {
	sqliteRows
	done func()
}

func (r *rows) Close() error {
	defer r.done()
	return r.sqliteRows.Close()
}
