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

// youngest is the age from which a generation ends. While new connections only read
// too, writes do not close those of reads again and again.
const youngest = time.Second

// generation is the context of the connections that were opened between two failovers.
// It ends when PostgreSQL refuses a write on one of them, because all of them may lead
// to a server that is a standby now. A failover may leave them open.
type generation struct {
	context.Context
	end   context.CancelFunc
	since time.Time
}

func newGeneration(since time.Time) *generation {
	ctx, end := context.WithCancel(context.Background())
	return &generation{ctx, end, since}
}

// generationOf returns nil while the connection is opened.
func generationOf(connection *pgconn.PgConn) *generation {
	of, _ := connection.CustomData()["generation"].(*generation)
	return of
}

// closeAfterFailover closes a connection that only reads, and then the other ones of
// its generation before their next use.
func closeAfterFailover(parsed *pgx.ConnConfig) []stdlib.OptionOpenDB {
	var current atomic.Pointer[generation]
	current.Store(newGeneration(time.Time{}))
	keep := parsed.OnPgError
	parsed.OnPgError = func(connection *pgconn.PgConn, err *pgconn.PgError) bool {
		if err.Code != onlyReads {
			return keep(connection, err)
		}
		now := time.Now()
		if of := generationOf(connection); of != nil && now.Sub(of.since) >= youngest && current.CompareAndSwap(of, newGeneration(now)) {
			of.end()
		}
		return false
	}
	return []stdlib.OptionOpenDB{
		stdlib.OptionAfterConnect(func(_ context.Context, opened *pgx.Conn) error {
			opened.PgConn().CustomData()["generation"] = current.Load()
			return nil
		}),
		stdlib.OptionResetSession(func(_ context.Context, idle *pgx.Conn) error {
			if generationOf(idle.PgConn()).Err() != nil {
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
	return db.Exec("SELECT FROM users WHERE false FOR UPDATE").Error // locks no row, and needs what a write needs
}
