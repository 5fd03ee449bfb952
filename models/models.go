// Package models has the data that is stored and shown, with one file for each table.
package models

import "example.com/latchkey/kit/rows"

type (
	// Base has the first columns of every table.
	Base = rows.Base
	// Versioned has the first columns of a table whose rows have an ETag.
	Versioned = rows.Versioned
	// Owned has the first columns of a table whose rows belong to a user.
	Owned = rows.Owned
)
