package database

import (
	"cmp"
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
	if pending, err := Pending(source); err != nil || len(pending) > 0 {
		return cmp.Or(err, errors.New("the database to copy from has pending migrations: apply them first, with migrate up"))
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
	targetTables, targetErr := tablesOf(target)
	if err := errors.Join(err, targetErr); err != nil {
		return nil, err
	}
	if !slices.Equal(targetTables, tables) {
		return nil, fmt.Errorf("the databases have different tables: the source has %s, the target has %s", strings.Join(tables, ", "), strings.Join(targetTables, ", "))
	}
	// A server that ran on the target has added its periodic jobs, which every server adds.
	if slices.Contains(tables, "jobs") {
		if err := target.Exec("DELETE FROM jobs WHERE unique_key IS NOT NULL").Error; err != nil {
			return nil, err
		}
	}
	for _, table := range tables {
		var rows int64
		if err := target.Table(table).Count(&rows).Error; err != nil || rows > 0 {
			return nil, cmp.Or(err, fmt.Errorf("the database to copy to is not empty: %s has %d rows", table, rows))
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
	before, after := []string{}, []string{"SET CONSTRAINTS ALL IMMEDIATE"}
	for _, key := range keys {
		before, after = append(before, key+" DEFERRABLE"), append(after, key+" NOT DEFERRABLE")
	}
	if err := Exec(to, append(before, "SET CONSTRAINTS ALL DEFERRED")...); err != nil {
		return err
	}
	if err := fill(); err != nil {
		return err
	}
	return errors.Join(Exec(to, after...), setSequences(to))
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
	for read := int64(0); ; {
		batch, err := readBatch(rows, columns, to.Name() == "postgres")
		if err != nil || len(batch) == 0 {
			return err
		}
		read += int64(len(batch))
		progress(table, read)
		if err := to.Table(table).Create(batch).Error; err != nil {
			return err
		}
	}
}

// readBatch reads up to copyBatch rows into values that the target accepts.
func readBatch(rows *sql.Rows, columns []string, toPostgres bool) (batch []map[string]any, err error) {
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for err == nil && len(batch) < copyBatch && rows.Next() {
		err = rows.Scan(targets...)
		row := map[string]any{}
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
		batch = append(batch, row)
	}
	return batch, errors.Join(err, rows.Err())
}
