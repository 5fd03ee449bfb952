// Package models has the data that is stored and shown, with one file for each table.
package models

import "example.com/latchkey/kit/rows"

// The first columns of a table: of every one, of one whose rows have an ETag, and of one
// whose rows belong to a user.
type (
	Base      = rows.Base
	Versioned = rows.Versioned
	Owned     = rows.Owned
)
