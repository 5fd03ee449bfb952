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

// connection is one to a file that may be deleted, and whose rows call rowsClosed.
type connection struct {
	sqliteConn
	file *sqliteFile
}

// ResetSession is called before each use. After driver.ErrBadConn, database/sql opens
// a new connection, which fails with the cause.
func (c connection) ResetSession(ctx context.Context) error {
	if c.file.checkInPlace() != nil {
		return driver.ErrBadConn
	}
	return c.sqliteConn.ResetSession(ctx)
}

func (c connection) QueryContext(ctx context.Context, query string, values []driver.NamedValue) (driver.Rows, error) {
	found, err := c.sqliteConn.QueryContext(ctx, query, values)
	if err != nil {
		return nil, err
	}
	return &sqliteRows{found.(typedRows), func() { rowsClosed(ctx) }}, nil
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
