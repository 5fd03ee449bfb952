package database

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"example.com/latchkey/config"
)

// content is what a file's schema is made of, and which migrations made it.
type content struct {
	migrations []Migration
	objects    []object
}

// object is a table, an index, a view or a trigger.
type object struct{ Type, Name, SQL string }

// sound reads a file, and fails unless it is whole and has migrations of this
// program alone.
func sound(path string) (found content, err error) {
	db, err := OpenExisting(config.Database{URL: "sqlite://" + path}, slog.New(slog.DiscardHandler))
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, Close(db)) }()
	var verdict string
	if err := accessOf(db).readers.QueryRowContext(db.Statement.Context, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return found, err
	}
	if verdict != "ok" {
		return found, errors.New(verdict)
	}
	begun, err := hasMigrations(db)
	if err == nil && !begun {
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
	for i := range all { // GORM writes the keys of a table in any order
		parts := strings.Split(strings.TrimSuffix(all[i].SQL, ")"), ",")
		slices.Sort(parts)
		all[i].SQL = strings.Join(parts, ",")
	}
	return all, err
}

// compare fails where a backup lacks what its migrations make in a fresh file,
// or has a view or a trigger besides, which could do anything by itself.
func compare(backup content, fresh string) (err error) {
	db, err := Open(config.Database{URL: "sqlite://" + fresh}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, Close(db)) }()
	var same []*gormigrate.Migration
	for i, known := range backup.migrations {
		if known.Applied {
			same = append(same, migrations()[i])
		}
	}
	if len(same) == 0 {
		return errors.New("none of this program's migrations is applied to it")
	}
	if err := alone(db, same, func(_ *gorm.DB, all *gormigrate.Gormigrate) error { return all.Migrate() }); err != nil {
		return err
	}
	want, err := objects(db)
	if err != nil {
		return err
	}
	for _, o := range want {
		if !slices.Contains(backup.objects, o) {
			return fmt.Errorf("its %s %s is missing, or is not as its migrations make it", o.Type, o.Name)
		}
	}
	for _, o := range backup.objects {
		if (o.Type == "view" || o.Type == "trigger") && !slices.Contains(want, o) {
			return fmt.Errorf("it has a %s that no migration makes: %s", o.Type, o.Name)
		}
	}
	return nil
}
