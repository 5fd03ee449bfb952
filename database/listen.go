package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// Listen receives the notifications of a channel on one connection, until ctx ends or
// the connection is lost, or may lead to a standby. It calls ready when it listens;
// earlier notifications are lost. The error is errors.ErrUnsupported if the database is
// not PostgreSQL, or is behind a pooler.
func Listen(ctx context.Context, db *gorm.DB, channel string, ready func(), receive func(payload string)) error {
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
		listener := raw.(postgresConn).Conn.Conn()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(generationOf(listener.PgConn()), cancel)() //nolint:contextcheck // ends with the connection too
		// driver.ErrBadConn closes the connection, because it still listens.
		if _, err := listener.Exec(ctx, "LISTEN "+channel); err != nil {
			return errors.Join(err, driver.ErrBadConn)
		}
		if err := probe(ctx, db, listener, channel); err != nil {
			return errors.Join(err, driver.ErrBadConn)
		}
		ready()
		for {
			notification, err := listener.WaitForNotification(ctx)
			if err != nil {
				return errors.Join(err, driver.ErrBadConn)
			}
			if notification.Payload != probeText {
				receive(notification.Payload)
			}
		}
	})
}

// probeText is the payload of a notification of probe.
const probeText = "probe"

// probeTimeout limits how long probe waits for its notification.
const probeTimeout = 5 * time.Second

// probe sends a notification, and fails if it does not arrive. Behind a pooler, LISTEN
// may have used another connection.
func probe(ctx context.Context, db *gorm.DB, listener *pgx.Conn, channel string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := db.WithContext(ctx).Exec("SELECT pg_notify(?, ?)", channel, probeText).Error; err != nil {
		return err
	}
	for {
		notification, err := listener.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("a notification has not arrived: if this is a pooler such as PgBouncer, set database.pooled to true: %w", err)
		}
		if notification.Payload == probeText {
			return nil
		}
	}
}
