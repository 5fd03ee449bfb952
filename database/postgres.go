package database

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"example.com/latchkey/config"
	"example.com/latchkey/problem"
)

const (
	connectTimeout = 5 * time.Second
	// silence of a server that has vanished without a word, after which its
	// connections count as lost; by itself TCP would wait for a quarter of an hour.
	silence = 10 * time.Second
	// maxLifetime is when a connection is made anew, so that replicas follow a
	// failover, or a new address, without a restart.
	maxLifetime = 30 * time.Minute
)

func openPostgres(settings config.Database) (*gorm.DB, error) {
	at, err := pgx.ParseConfig(settings.URL)
	if err != nil {
		return nil, err
	}
	if at.ConnectTimeout == 0 {
		at.ConnectTimeout = connectTimeout
	}
	dialer := net.Dialer{Control: giveUp, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence / 2, Interval: silence / 4, Count: 2}}
	at.DialFunc = dialer.DialContext
	limit := settings.StatementTimeout + connectTimeout
	if settings.Pooled {
		at.DefaultQueryExecMode = pgx.QueryExecModeExec // no statement outlives its transaction
	} else {
		setTimeouts(at, settings)
		limit = ownTimeout(at)
	}
	pool := stdlib.OpenDB(*at)
	pool.SetMaxOpenConns(settings.MaxConnections)
	pool.SetMaxIdleConns(settings.MaxConnections) // database/sql would close all but two again
	pool.SetConnMaxLifetime(maxLifetime)
	pool.SetConnMaxIdleTime(settings.MaxIdleTime)
	db, err := gorm.Open(remote{&postgres.Dialector{Config: &postgres.Config{Conn: pool}}}, gormConfig())
	if err == nil {
		err = db.Use(access{pooled: settings.Pooled, statement: limit, turn: limit, transaction: limit})
	} else if !settings.Pooled && strings.Contains(err.Error(), "unsupported startup parameter") {
		err = fmt.Errorf("a pooler such as PgBouncer answers there: set database.pooled to true: %w", err)
	}
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return db, nil
}

// setTimeouts has PostgreSQL end what takes too long, unless the url says otherwise.
func setTimeouts(at *pgx.ConnConfig, settings config.Database) {
	for name, limit := range map[string]time.Duration{
		"statement_timeout":                   settings.StatementTimeout,
		"idle_in_transaction_session_timeout": settings.StatementTimeout,
		"lock_timeout":                        settings.LockTimeout,
	} {
		if at.RuntimeParams[name] == "" {
			at.RuntimeParams[name] = strconv.FormatInt(limit.Milliseconds(), 10)
		}
	}
}

// ownTimeout is when a statement or a transaction ends even if it has not got
// a connection yet: PostgreSQL's statement_timeout and some more; 0 where that
// is 0, or written with a unit in the url.
func ownTimeout(at *pgx.ConnConfig) time.Duration {
	limit, err := time.ParseDuration(at.RuntimeParams["statement_timeout"] + "ms")
	if err != nil || limit == 0 {
		return 0
	}
	return limit + connectTimeout
}

// remote is PostgreSQL, whose absence is GORM's error of its own.
type remote struct{ *postgres.Dialector }

// Translate gives problem.Unavailable where PostgreSQL could not be asked, or
// asks to be asked again.
func (d remote) Translate(err error) error {
	if isClosed(err) || isAway(err) {
		return problem.Unavailable.Because(err)
	}
	return d.Dialector.Translate(err)
}

// momentary are the classes of PostgreSQL's errors (its manual, appendix A)
// that are of the moment, and not of the statement.
var momentary = []string{
	"08",    // connection exception
	"25006", // read-only transaction: it is a standby now
	"25P03", // idle in a transaction for too long
	"40",    // transaction rollback, as for a deadlock
	"53",    // insufficient resources
	"55P03", // lock not available within lock_timeout
	"57",    // operator intervention, as a shutdown or statement_timeout
	"58",    // system error
}

func isAway(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, new(*pgconn.ConnectError)) || errors.Is(err, driver.ErrBadConn) {
		return true
	}
	if errors.As(err, &said) {
		return slices.ContainsFunc(momentary, func(class string) bool { return strings.HasPrefix(said.Code, class) })
	}
	var network net.Error
	return errors.As(err, &network) || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
