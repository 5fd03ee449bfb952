package handlers

import (
	"errors"
	"maps"
	"slices"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/endpoint"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// owned selects the rows of a user. Whatever asks through it cannot see
// another's, which are not_found then, as if they were not there.
func owned(db *gorm.DB, user models.User) *gorm.DB { return db.Where("owner_id = ?", user.ID) }

// find gives the row of an id among those that db selects, or not_found.
func find[Row any](db *gorm.DB, id uuid.UUID) (row Row, err error) {
	err = db.Take(&row, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = problem.NotFound
	}
	return row, err
}

// findVersion is find for a row that is to be changed or deleted in the
// transaction of db: it locks the row, and fails with precondition_failed where
// ifMatch, the If-Match header, names other versions (RFC 9110, section 13.1.1).
func findVersion[Row endpoint.Versioned](db *gorm.DB, id uuid.UUID, ifMatch string) (Row, error) {
	row, err := find[Row](db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), id)
	if err == nil && ifMatch != "" && !endpoint.MatchesTag(ifMatch, row.ETag()) {
		err = problem.PreconditionFailed
	}
	return row, err
}

// create adds a row, unless its owner was deleted while the request ran.
func create(db *gorm.DB, row any) error {
	err := db.Create(row).Error
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = problem.TokenRevoked.Because(err)
	}
	return err
}

// where selects the rows with a value in a column, all of them for nil.
func where[T any](db *gorm.DB, column string, value *T) *gorm.DB {
	if value != nil {
		db = db.Where(db.Statement.Quote(column)+" = ?", *value)
	}
	return db
}

// unique words the error of a row with unique fields, given with their values,
// as already_exists. It names those whose values another of db's rows has.
func unique(err error, db *gorm.DB, id uuid.UUID, values map[string]any) error {
	if !errors.Is(err, gorm.ErrDuplicatedKey) {
		return err
	}
	var fields []string
	for _, column := range slices.Sorted(maps.Keys(values)) {
		var others int64
		has := db.Session(&gorm.Session{}).Where(db.Statement.Quote(column)+" = ? AND id <> ?", values[column], id)
		if err := has.Count(&others).Error; err != nil {
			return err
		}
		if others > 0 {
			fields = append(fields, column)
		}
	}
	return problem.Exists(fields...)
}

// set changes a field to what a PATCH says of it, if it does.
func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}
