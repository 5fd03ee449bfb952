package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var migrationName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)+$`)

// addMigration writes a migration, and adds it to the list of the project. It returns errors,
// so that nobody deploys it before it is written.
func addMigration(root, name string) error {
	words := strings.Split(name, "_")
	if last := words[len(words)-1]; !migrationName.MatchString(name) || suffixes[last] || last == "test" {
		return fmt.Errorf("%q is not a name for a migration: write two or more words of lower-case letters and digits, such as name=add_phone; the last word must not be special in Go's file names, such as test or linux", name)
	}
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	variable, file := strings.Join(words, ""), "migrations/"+name+".go"
	text, err := fill("new_migration.go.tmpl", struct{ Var, ID string }{variable, time.Now().UTC().Format("20060102_") + name})
	if err != nil {
		return err
	}
	list, err := addToTable(root, ownMigrations, "", variable+",")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, file)); err == nil {
		return fmt.Errorf("%s already exists: choose another name", file)
	}
	if err := writeAll(root, map[string][]byte{file: text, ownMigrations: list}); err != nil {
		return err
	}
	fmt.Printf("Write the change into %s; it is listed in %s.\n", file, ownMigrations)
	return nil
}
