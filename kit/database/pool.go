package database

import (
	"context"
	"database/sql"
	"regexp"
	"time"

	"gorm.io/gorm"
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
