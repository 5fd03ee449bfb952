package migrations

import "github.com/go-gormigrate/gormigrate/v2"

// Own returns the migrations of this project, oldest first. `make resource` and
// `make migration` add to the list. Later versions of the template do not change this file.
func Own() []*gormigrate.Migration {
	return []*gormigrate.Migration{}
}
