package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var migrationName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)+$`)

// addMigration writes a migration, and adds it to the list of the project. It returns errors,
// so that nobody deploys it before it is written.
func addMigration(root, name string) {
	words := strings.Split(name, "_")
	if last := words[len(words)-1]; !migrationName.MatchString(name) || suffixes[last] || last == "test" {
		fail("%q is not a name for a migration: write two or more words of lower-case letters and digits, such as name=add_phone; the last word must not be special in Go's file names, such as test or linux", name)
	}
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	variable, file := strings.Join(words, ""), "migrations/"+name+".go"
	refuse(exists(root, file), "%s already exists: choose another name", file)
	text := fill("new_migration.go.tmpl", struct{ Var, ID string }{variable, time.Now().UTC().Format("20060102_") + name})
	list := addLines(ownMigrations, read(root, ownMigrations), "", variable+",")
	changes{file: text, ownMigrations: fixImports(root, ownMigrations, list)}.apply(root)
	fmt.Printf("Write the change into %s; it is listed in %s.\n", file, ownMigrations)
}
