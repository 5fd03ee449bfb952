package database

import (
	"context"
	"database/sql/driver"
	"errors"
)

// maxStatements is how many prepared statements a connection keeps.
const maxStatements = 128

// sqliteConn has the interfaces of database/sql/driver that the driver implements.
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

// connection caches prepared statements. GORM can do that too, but there every client
// of a statement waits until the first one has prepared it, and fails if that one
// disconnects.
type connection struct {
	sqliteConn
	file *sqliteFile
	idle map[string]driver.Stmt // the statements that are not in use
}

// Idle returns how many statements are kept. Tests ask it through sql.Conn.Raw.
func (c *connection) Idle() int { return len(c.idle) }

// ResetSession is called before each use. After driver.ErrBadConn, database/sql opens
// a new connection, which fails with the cause.
func (c *connection) ResetSession(ctx context.Context) error {
	if c.file.checkInPlace() != nil {
		return driver.ErrBadConn
	}
	return c.sqliteConn.ResetSession(ctx)
}

func (c *connection) ExecContext(ctx context.Context, query string, values []driver.NamedValue) (driver.Result, error) {
	statement, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	defer c.release(query, statement)
	return statement.(driver.StmtExecContext).ExecContext(ctx, values)
}

func (c *connection) QueryContext(ctx context.Context, query string, values []driver.NamedValue) (driver.Rows, error) {
	statement, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	found, err := statement.(driver.StmtQueryContext).QueryContext(ctx, values)
	if err != nil {
		c.release(query, statement)
		return nil, err
	}
	return &rows{found.(sqliteRows), func() { c.release(query, statement); rowsClosed(ctx) }}, nil
}

// take returns a statement that nobody else uses. While rows of one are open, a second
// query of the same text gets a new statement.
func (c *connection) take(ctx context.Context, query string) (driver.Stmt, error) {
	if statement, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return statement, nil
	}
	return c.PrepareContext(ctx, query)
}

func (c *connection) release(query string, statement driver.Stmt) {
	if len(c.idle) == maxStatements {
		for other, old := range c.idle { // closes any one
			delete(c.idle, other)
			_ = old.Close()
			break
		}
	}
	if other, ok := c.idle[query]; ok {
		_ = other.Close()
	}
	c.idle[query] = statement
}

func (c *connection) Close() (err error) {
	for _, statement := range c.idle {
		err = errors.Join(err, statement.Close())
	}
	c.idle = map[string]driver.Stmt{}
	return errors.Join(err, c.sqliteConn.Close())
}

// sqliteRows has the interfaces of database/sql/driver that the driver implements.
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
