package database

import (
	"context"
	"database/sql/driver"
)

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

// maxStatements is how many prepared statements a connection keeps.
const maxStatements = 128

// connection is one to a file that may be deleted. It keeps prepared statements. GORM can
// do that too, but there every client of a statement waits until the first one has
// prepared it, and fails if that one disconnects.
type connection struct {
	sqliteConn
	file *sqliteFile
	idle map[string]driver.Stmt // by query, those that are not in use
}

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
	return &sqliteRows{found.(typedRows), func() { c.keep(query, statement); rowsClosed(ctx) }}, nil
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

// keep keeps a statement that is not used any more, in place of any other if there are
// too many.
func (c *connection) keep(query string, statement driver.Stmt) {
	replaced := query
	if len(c.idle) == maxStatements {
		for replaced = range c.idle {
			break
		}
	}
	if old, ok := c.idle[replaced]; ok {
		_ = old.Close()
		delete(c.idle, replaced)
	}
	c.idle[query] = statement
}

// Close closes the statements first, because SQLite keeps a connection open for them.
func (c *connection) Close() error {
	for _, statement := range c.idle {
		_ = statement.Close()
	}
	return c.sqliteConn.Close()
}

// typedRows has the interfaces of database/sql/driver that GORM asks for.
type typedRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeScanType
}

type sqliteRows struct {
	typedRows
	closed func()
}

func (r *sqliteRows) Close() error {
	defer r.closed()
	return r.typedRows.Close()
}
