package database

import (
	"database/sql"
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

	"example.com/latchkey/kit/problem"
)

const (
	connectTimeout = 5 * time.Second
	// connectionLossTimeout is when a connection to a server that does not answer any
	// more is closed. TCP alone would wait for a quarter of an hour.
	connectionLossTimeout = 10 * time.Second
	// maxLifetime is when a connection is replaced, so that a replica uses a new server
	// or address after a failover, without a restart.
	maxLifetime = 30 * time.Minute
)

func openPostgres(settings Settings) (*gorm.DB, error) {
	parsed, err := pgx.ParseConfig(settings.URL)
	if err != nil {
		return nil, err
	}
	if parsed.ConnectTimeout == 0 {
		parsed.ConnectTimeout = connectTimeout
	}
	dialer := net.Dialer{Control: setUserTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: connectionLossTimeout / 2, Interval: connectionLossTimeout / 4, Count: 2,
	}}
	parsed.DialFunc = dialer.DialContext
	timeout, lockTimeout := settings.StatementTimeout+connectTimeout, time.Duration(0)
	if settings.Pooled {
		lockTimeout = settings.LockTimeout
		parsed.DefaultQueryExecMode = pgx.QueryExecModeExec // without prepared statements, which outlive a transaction
	} else {
		setTimeouts(parsed, settings)
		timeout = clientTimeout(parsed)
	}
	options := closeAfterFailover(parsed)
	pool := sql.OpenDB(postgresConnector{stdlib.GetConnector(*parsed, options...)})
	pool.SetMaxOpenConns(settings.MaxConnections)
	pool.SetMaxIdleConns(settings.MaxConnections) // by default, database/sql would keep only two open
	pool.SetConnMaxLifetime(maxLifetime)
	pool.SetConnMaxIdleTime(settings.MaxIdleTime)
	db, err := gorm.Open(postgresDialector{&postgres.Dialector{Config: &postgres.Config{Conn: pool}}}, gormConfig())
	if err == nil {
		err = db.Use(access{pooled: settings.Pooled, pooledLockTimeout: lockTimeout, statementTimeout: timeout, beginTimeout: timeout, transactionTimeout: timeout})
	} else if !settings.Pooled && strings.Contains(err.Error(), "unsupported startup parameter") {
		err = fmt.Errorf("this is a pooler such as PgBouncer: set database.pooled to true: %w", err)
	}
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return db, nil
}

// setTimeouts sets the timeouts of PostgreSQL that the URL does not set.
func setTimeouts(parsed *pgx.ConnConfig, settings Settings) {
	for name, limit := range map[string]time.Duration{
		"statement_timeout":                   settings.StatementTimeout,
		"idle_in_transaction_session_timeout": settings.StatementTimeout,
		"lock_timeout":                        settings.LockTimeout,
	} {
		if parsed.RuntimeParams[name] == "" {
			parsed.RuntimeParams[name] = strconv.FormatInt(limit.Milliseconds(), 10)
		}
	}
}

// clientTimeout returns when this program ends a statement or a transaction, also one
// that still waits for a connection: a little later than PostgreSQL's
// statement_timeout. It is 0 if that is 0, or has a unit in the URL.
func clientTimeout(parsed *pgx.ConnConfig) time.Duration {
	limit, err := time.ParseDuration(parsed.RuntimeParams["statement_timeout"] + "ms")
	if err != nil || limit == 0 {
		return 0
	}
	return limit + connectTimeout
}

// postgresDialector translates the errors of PostgreSQL.
type postgresDialector struct{ *postgres.Dialector }

// Translate returns problem.Unavailable for an error that a retry may solve, that of
// alreadyExists for a duplicate, and else the error of GORM.
func (d postgresDialector) Translate(err error) error {
	if failed := new(pgconn.PgError); errors.As(err, &failed) && failed.Code == onlyReads {
		return problem.Unavailable.Detailed("The database only reads").Because(err)
	}
	if isClosed(err) || isTemporary(err) {
		return problem.Unavailable.Because(err)
	}
	var failed *pgconn.PgError
	if errors.As(err, &failed) && failed.Code == uniqueViolation {
		// The detail is such as: Key (owner_id, "order")=(…) already exists.
		columns, _, _ := strings.Cut(failed.Detail, ")=(")
		_, columns, _ = strings.Cut(strings.ReplaceAll(columns, `"`, ""), "(")
		return alreadyExists(err, strings.Split(columns, ", "))
	}
	return d.Dialector.Translate(err)
}

// temporaryCodes are the codes of PostgreSQL's errors (its manual, appendix A), or
// their beginnings, that are not the fault of the statement.
var temporaryCodes = []string{
	"08",    // connection exception
	"25P03", // idle in a transaction for too long
	"40",    // transaction rollback, such as for a deadlock
	"53",    // insufficient resources
	"55P03", // lock not available within lock_timeout
	"57",    // operator intervention, such as a shutdown or statement_timeout
	"58",    // system error
}

func isTemporary(err error) bool {
	var failed *pgconn.PgError
	if errors.As(err, new(*pgconn.ConnectError)) || errors.Is(err, driver.ErrBadConn) {
		return true
	}
	if errors.As(err, &failed) {
		return slices.ContainsFunc(temporaryCodes, func(code string) bool { return strings.HasPrefix(failed.Code, code) })
	}
	var network net.Error
	return errors.As(err, &network) || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
