package database

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
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

func openPostgres(s Settings) (*gorm.DB, error) {
	parsed, err := pgx.ParseConfig(s.URL)
	if err != nil {
		return nil, err
	}
	parsed.ConnectTimeout = cmp.Or(parsed.ConnectTimeout, connectTimeout)
	dialer := net.Dialer{Control: setUserTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: connectionLossTimeout / 2, Interval: connectionLossTimeout / 4, Count: 2,
	}}
	parsed.DialFunc = dialer.DialContext
	parsed.Tracer = rowsTracer{}
	p := &pool{lockTimeout: s.LockTimeout, pooled: s.Pooled}
	if s.StatementTimeout > 0 {
		p.timeout = s.StatementTimeout + connectTimeout // later than PostgreSQL, which has a better error
	}
	if s.Pooled {
		parsed.DefaultQueryExecMode = pgx.QueryExecModeExec // without prepared statements, which outlive a transaction
	} else {
		for name, limit := range map[string]time.Duration{
			"statement_timeout": s.StatementTimeout, "idle_in_transaction_session_timeout": s.StatementTimeout, "lock_timeout": s.LockTimeout,
		} {
			parsed.RuntimeParams[name] = strconv.FormatInt(limit.Milliseconds(), 10)
		}
	}
	options := closeAfterFailover(parsed)
	p.DB = stdlib.OpenDB(*parsed, options...)
	p.SetMaxOpenConns(s.MaxConnections)
	p.SetMaxIdleConns(s.MaxConnections) // by default, database/sql would keep only two open
	p.SetConnMaxLifetime(maxLifetime)
	p.SetConnMaxIdleTime(s.MaxIdleTime)
	db, err := p.open(postgresDialector{&postgres.Dialector{Config: &postgres.Config{Conn: p}}})
	if err != nil && !s.Pooled && strings.Contains(err.Error(), "unsupported startup parameter") {
		err = fmt.Errorf("this is a pooler such as PgBouncer: set database.pooled to true: %w", err)
	}
	return db, err
}

// postgresDialector translates the errors of PostgreSQL.
type postgresDialector struct{ *postgres.Dialector }

// Translate returns problem.Unavailable for an error that a retry may solve, that of
// alreadyExists for a duplicate, and else the error of GORM.
func (d postgresDialector) Translate(err error) error {
	var failed *pgconn.PgError
	switch refused := errors.As(err, &failed); {
	case refused && failed.Code == onlyReads:
		return problem.Unavailable.Detailed("The database only reads").Because(err)
	case isClosed(err) || isTemporary(err):
		return problem.Unavailable.Because(err)
	case refused && failed.Code == uniqueViolation:
		// The detail is such as: Key (owner_id, "order")=(…) already exists.
		columns, _, _ := strings.Cut(failed.Detail, ")=(")
		_, columns, _ = strings.Cut(strings.ReplaceAll(columns, `"`, ""), "(")
		return alreadyExists(err, strings.Split(columns, ", "))
	}
	return d.Dialector.Translate(err)
}

const uniqueViolation = "23505"

// temporaryCodes matches the codes of PostgreSQL's errors (its manual, appendix A) that
// are not the fault of the statement: of the connection, of a transaction that was idle
// for too long or was rolled back, such as for a deadlock, of resources, of a lock that
// was not available within lock_timeout, of an operator, such as a shutdown or
// statement_timeout, and of the system.
var temporaryCodes = regexp.MustCompile("^(08|25P03|40|53|55P03|57|58)")

func isTemporary(err error) bool {
	var failed *pgconn.PgError
	if errors.As(err, new(*pgconn.ConnectError)) || errors.Is(err, driver.ErrBadConn) {
		return true
	}
	if errors.As(err, &failed) {
		return temporaryCodes.MatchString(failed.Code)
	}
	var network net.Error
	return errors.As(err, &network) || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
