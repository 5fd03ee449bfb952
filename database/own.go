package database

import "github.com/go-gormigrate/gormigrate/v2"

// own are the changes of the schema that are this project's own, the oldest
// first. make resource and migrate new add to them; the template's later versions
// leave this file alone.
func own() []*gormigrate.Migration {
	return []*gormigrate.Migration{
		createNotes,
	}
}
