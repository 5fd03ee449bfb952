package database

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// content is the schema of a file, and the migrations that made it.
type content struct {
	migrations []Migration
	objects    []object
}

// object is a table, an index, a view or a trigger.
type object struct{ Type, Name, SQL string }

// checkFile reads a file, and returns an error if it is damaged or has a migration
// that this program does not have.
func checkFile(path string, schema Schema) (found content, err error) {
	db, err := OpenExisting(Settings{URL: "sqlite://" + path}, schema, slog.New(slog.DiscardHandler))
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, Close(db)) }()
	var result string
	if err := poolOf(db).readers.QueryRowContext(db.Statement.Context, "PRAGMA integrity_check").Scan(&result); err != nil {
		return found, err
	}
	if result != "ok" {
		return found, errors.New(result)
	}
	has, err := hasMigrations(db)
	if err == nil && !has {
		err = errors.New("it has no table of migrations")
	}
	if err == nil {
		found.migrations, err = Migrations(db)
	}
	if err == nil {
		found.objects, err = objects(db)
	}
	return found, err
}

func objects(db *gorm.DB) (all []object, err error) {
	err = db.Raw("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").Scan(&all).Error
	for i := range all { // GORM writes the constraints of a table in any order
		parts := strings.Split(strings.TrimSuffix(all[i].SQL, ")"), ",")
		slices.Sort(parts)
		all[i].SQL = strings.Join(parts, ",")
	}
	return all, err
}

// checkSchema returns an error if a backup lacks a part of the schema that its
// migrations make in a new file. It also refuses other views and triggers, because
// they could change what statements do.
func checkSchema(backup content, newFile string, schema Schema) (err error) {
	db, err := Open(Settings{URL: "sqlite://" + newFile}, schema, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, Close(db)) }()
	var applied Schema
	for i, known := range backup.migrations {
		if known.Applied {
			applied = append(applied, schema[i])
		}
	}
	if len(applied) == 0 {
		return errors.New("none of this program's migrations is applied to it")
	}
	if err := withMigrationLock(db, applied, func(_ *gorm.DB, all *gormigrate.Gormigrate) error { return all.Migrate() }); err != nil {
		return err
	}
	want, err := objects(db)
	if err != nil {
		return err
	}
	for _, o := range want {
		if !slices.Contains(backup.objects, o) {
			return fmt.Errorf("its %s %s is missing, or differs from what its migrations make", o.Type, o.Name)
		}
	}
	for _, o := range backup.objects {
		if (o.Type == "view" || o.Type == "trigger") && !slices.Contains(want, o) {
			return fmt.Errorf("it has a %s that no migration makes: %s", o.Type, o.Name)
		}
	}
	return nil
}
