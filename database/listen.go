package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// Listen hears what NOTIFY says on a channel, on a connection of its own, until
// ctx ends or the connection is lost. It calls begun once it listens: what was
// said before is not heard. The error is errors.ErrUnsupported where the
// database is not PostgreSQL, or is behind a pooler.
func Listen(ctx context.Context, db *gorm.DB, channel string, begun func(), heard func(payload string)) error {
	if db.Name() != "postgres" || accessOf(db).pooled {
		return errors.ErrUnsupported
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	connection, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer connection.Close()
	return connection.Raw(func(raw any) error {
		listener := raw.(*stdlib.Conn).Conn()
		// Whatever ends it, the connection is of no more use to others.
		if _, err := listener.Exec(ctx, "LISTEN "+channel); err != nil {
			return errors.Join(err, driver.ErrBadConn)
		}
		if err := probe(ctx, db, listener, channel); err != nil {
			return errors.Join(err, driver.ErrBadConn)
		}
		begun()
		for {
			said, err := listener.WaitForNotification(ctx)
			if err != nil {
				return errors.Join(err, driver.ErrBadConn)
			}
			if said.Payload != probeText {
				heard(said.Payload)
			}
		}
	})
}

// probeText is what is sent to learn whether anything arrives.
const probeText = "probe"

// probeLimit is how long that may take.
const probeLimit = 5 * time.Second

// probe fails where a notification does not arrive, as behind a pooler, whose
// LISTEN is another connection's.
func probe(ctx context.Context, db *gorm.DB, listener *pgx.Conn, channel string) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	if err := db.WithContext(ctx).Exec("SELECT pg_notify(?, ?)", channel, probeText).Error; err != nil {
		return err
	}
	for {
		said, err := listener.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("a notification does not arrive: if a pooler such as PgBouncer answers there, set database.pooled to true: %w", err)
		}
		if said.Payload == probeText {
			return nil
		}
	}
}
