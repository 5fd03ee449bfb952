package database

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// Listen hears what NOTIFY says on a channel, on a connection of its own, until
// ctx ends or the connection is lost. It calls begun once it listens: what was
// said before is not heard. The error is errors.ErrUnsupported where the
// database is not PostgreSQL.
func Listen(ctx context.Context, db *gorm.DB, channel string, begun func(), heard func(payload string)) error {
	if db.Name() != "postgres" {
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
		begun()
		for {
			said, err := listener.WaitForNotification(ctx)
			if err != nil {
				return errors.Join(err, driver.ErrBadConn)
			}
			heard(said.Payload)
		}
	})
}
