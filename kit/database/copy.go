package database

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
)

// copyBatch is how many rows a statement inserts. A statement has at most 32,766
// values in SQLite, and 65,535 in PostgreSQL.
const copyBatch = 200

// Copy migrates an empty database and copies all rows of another one to it, or none.
// While it runs, nobody can write to the source if that is SQLite. It calls progress
// before each batch.
func Copy(from, to Settings, schema Schema, log *slog.Logger, progress func(table string, rows int64)) (err error) {
	from.StatementTimeout, to.StatementTimeout = 0, 0 // no timeout: a table may be large
	source, err := OpenExisting(from, schema, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, Close(source)) }()
	switch pending, err := Pending(source); {
	case err != nil:
		return err
	case len(pending) > 0:
		return errors.New("the database to copy from has pending migrations: apply them first, with migrate up")
	}
	target, err := Open(to, schema, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, Close(target)) }()
	if err := Migrate(target); err != nil {
		return err
	}
	return source.Transaction(func(source *gorm.DB) error {
		return target.Transaction(func(target *gorm.DB) error {
			tables, err := tablesToCopy(source, target)
			if err != nil {
				return err
			}
			return withDeferredKeys(target, func() error {
				for _, table := range tables {
					if err := copyTable(source, target, table, progress); err != nil {
						return fmt.Errorf("table %s: %w", table, err)
					}
				}
				return nil
			})
		})
	}, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
}

// tablesToCopy returns an error if the target has rows or other tables.
func tablesToCopy(source, target *gorm.DB) ([]string, error) {
	tables, err := tablesOf(source)
	if err != nil {
		return nil, err
	}
	targetTables, err := tablesOf(target)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(targetTables, tables) {
		return nil, fmt.Errorf("the databases have different tables: the source has %s, the target has %s", strings.Join(tables, ", "), strings.Join(targetTables, ", "))
	}
	// A server that ran on the target has added its periodic jobs, which every server adds.
	if err := target.Exec("DELETE FROM jobs WHERE unique_key IS NOT NULL").Error; err != nil {
		return nil, err
	}
	for _, table := range tables {
		var rows int64
		if err := target.Table(table).Count(&rows).Error; err != nil {
			return nil, err
		}
		if rows > 0 {
			return nil, fmt.Errorf("the database to copy to is not empty: %s has %d rows", table, rows)
		}
	}
	return tables, nil
}

func tablesOf(db *gorm.DB) ([]string, error) {
	tables, err := db.Migrator().GetTables()
	slices.Sort(tables)
	return slices.DeleteFunc(tables, func(name string) bool {
		return name == migrationTable || strings.HasPrefix(name, "sqlite_") || strings.HasPrefix(name, "_litestream_")
	}), err
}

// withDeferredKeys checks foreign keys after fill, so that tables can be filled in
// any order.
func withDeferredKeys(to *gorm.DB, fill func() error) error {
	if to.Name() != "postgres" {
		return errors.Join(to.Exec("PRAGMA defer_foreign_keys = ON").Error, fill())
	}
	var keys []string
	err := to.Raw("SELECT format('ALTER TABLE %s ALTER CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint " +
		"WHERE contype = 'f' AND NOT condeferrable AND connamespace = current_schema()::regnamespace").Scan(&keys).Error
	if err != nil {
		return err
	}
	var before, after []string
	for _, key := range keys {
		before, after = append(before, key+" DEFERRABLE"), append(after, key+" NOT DEFERRABLE")
	}
	if err := Exec(to, append(before, "SET CONSTRAINTS ALL DEFERRED")...); err != nil {
		return err
	}
	if err := fill(); err != nil {
		return err
	}
	if err := Exec(to, slices.Insert(after, 0, "SET CONSTRAINTS ALL IMMEDIATE")...); err != nil {
		return err
	}
	return setSequences(to)
}

// setSequences makes PostgreSQL's sequences continue after the copied numbers.
func setSequences(to *gorm.DB) error {
	var steps []string
	err := to.Raw("SELECT format('SELECT setval(%L, (SELECT COALESCE(max(%I), 0) + 1 FROM %s), false)', " +
		"pg_get_serial_sequence(attrelid::regclass::text, attname), attname, attrelid::regclass) " +
		"FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid " +
		"WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND attnum > 0 AND NOT attisdropped " +
		"AND pg_get_serial_sequence(attrelid::regclass::text, attname) IS NOT NULL").Scan(&steps).Error
	return errors.Join(err, Exec(to, steps...))
}

func copyTable(from, to *gorm.DB, table string, progress func(string, int64)) error {
	rows, err := from.Table(table).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	var read, written int64
	batch := make([]map[string]any, 0, copyBatch)
	flush := func() error {
		defer func() { batch = batch[:0] }()
		if len(batch) == 0 {
			return nil
		}
		progress(table, read)
		return to.Table(table).Create(batch).Error
	}
	for rows.Next() {
		row := map[string]any{}
		if err := scan(rows, columns, row, to.Name() == "postgres"); err != nil {
			return err
		}
		read++
		if batch = append(batch, row); len(batch) == copyBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(rows.Err(), flush(), to.Table(table).Count(&written).Error); err != nil {
		return err
	}
	if read != written {
		return fmt.Errorf("%d rows were read, but %d were written", read, written)
	}
	return nil
}

// scan reads a row into values that the target accepts.
func scan(rows *sql.Rows, columns []string, row map[string]any, toPostgres bool) error {
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	if err := rows.Scan(targets...); err != nil {
		return err
	}
	for i, value := range values {
		switch v := value.(type) {
		case time.Time:
			value = v.UTC()
		case int64: // from SQLite, also a boolean; PostgreSQL accepts a text for both types
			if toPostgres {
				value = strconv.FormatInt(v, 10)
			}
		}
		row[columns[i]] = value
	}
	return nil
}
