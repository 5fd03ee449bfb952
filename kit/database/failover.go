package database

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// onlyReads is the code of PostgreSQL's error for a write to a standby, or while
// default_transaction_read_only is on.
const onlyReads = "25006"

// refusalPause is how long after a failover no other one is noticed. While new
// connections only read too, writes do not close those of reads again and again.
const refusalPause = time.Second

// openedAt returns when a connection was opened, or zero while it is.
func openedAt(connection *pgconn.PgConn) time.Time {
	at, _ := connection.CustomData()["opened"].(time.Time)
	return at
}

// closeAfterFailover closes a connection that refuses a write, and then the ones that
// were opened before that, before their next use: a failover may leave them open, and
// all of them may lead to a server that is a standby now.
func closeAfterFailover(parsed *pgx.ConnConfig) []stdlib.OptionOpenDB {
	var refused atomic.Pointer[time.Time] // the first refusal after the last failover
	refused.Store(new(time.Time))
	keep := parsed.OnPgError
	parsed.OnPgError = func(connection *pgconn.PgConn, err *pgconn.PgError) bool {
		if err.Code != onlyReads {
			return keep(connection, err)
		}
		last, now := refused.Load(), time.Now()
		if openedAt(connection).After(*last) && now.Sub(*last) >= refusalPause {
			refused.CompareAndSwap(last, &now)
		}
		return false
	}
	return []stdlib.OptionOpenDB{
		stdlib.OptionAfterConnect(func(_ context.Context, opened *pgx.Conn) error {
			opened.PgConn().CustomData()["opened"] = time.Now()
			return nil
		}),
		stdlib.OptionResetSession(func(_ context.Context, idle *pgx.Conn) error {
			if openedAt(idle.PgConn()).Before(*refused.Load()) {
				return driver.ErrBadConn
			}
			return nil
		}),
	}
}

// CheckWrites fails with problem.Unavailable while PostgreSQL only reads. Like every
// refused write, it then closes the connections, so that the next try may reach the new
// primary.
func CheckWrites(db *gorm.DB) error {
	if db.Name() != "postgres" {
		return nil
	}
	return db.Exec("SELECT FROM " + migrationTable + " WHERE false FOR UPDATE").Error // locks no row, and needs what a write needs
}
