// Package rows has the rows of an API's tables: their first columns, one row by its id and
// version, those of an owner, or a page of them.
package rows

import (
	"errors"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/token"
)

// OwnedBy selects the rows of an owner. The rows of others are not_found, as if they did not
// exist.
func OwnedBy(db *gorm.DB, owner uuid.UUID) *gorm.DB { return db.Where("owner_id = ?", owner) }

// Find returns the row with an id among the rows that db selects, or not_found.
func Find[Row any](db *gorm.DB, id uuid.UUID) (row Row, err error) {
	err = db.Take(&row, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = problem.NotFound
	}
	return row, err
}

// FindVersion is Find for a row to change or delete in the transaction of db. It
// locks the row. The error is precondition_failed if ifMatch, the If-Match header,
// does not have the row's version (RFC 9110, section 13.1.1).
func FindVersion[Row endpoint.Versioned](db *gorm.DB, id uuid.UUID, ifMatch string) (Row, error) {
	row, err := Find[Row](db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), id)
	if err == nil && ifMatch != "" && !endpoint.MatchesTag(ifMatch, row.ETag()) {
		err = problem.PreconditionFailed
	}
	return row, err
}

// Create adds a row. The error is token_revoked if the owner was deleted while the
// request ran.
func Create(db *gorm.DB, row any) error {
	err := db.Create(row).Error
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = token.ErrRevoked.Because(err)
	}
	return err
}

// Where selects the rows with a value in a column, or all rows if value is nil.
func Where[T any](db *gorm.DB, column string, value *T) *gorm.DB {
	if value != nil {
		db = db.Where(db.Statement.Quote(column)+" = ?", *value)
	}
	return db
}

// Set changes a field if a PATCH has a value for it.
func Set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
