package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// tables are the files with lists of what other files declare.
var tables = []string{
	"routes/routes.go", ownRoutes, "routes/jobs.go", "routes/openapi_test.go", "migrations/migrations.go", ownMigrations, "config/settings.go", "config/check.go",
	services, "accounts/accounts.go", "accounts/confirm.go", "accounts/mails.go", "accounts/store_events.go", "routes/access.go", "commands/commands.go", "commands/user.go", "commands/start.go",
	"handlers/oauth.go", "app/apptest/apptest.go", "bench/main.go", "bench/measure.go", "bench/steps.go",
}

// services has the struct of what app.Auth holds.
const services = "accounts/services.go"

// publicRoutes also lists the public routes, for tests.
const publicRoutes = "app/apptest/rules.go"

// remove removes resources and parts for a person at the command line.
func remove(root, names string) error {
	if isTemplate(root) {
		return errors.New("give the project its name first, with make rename: the template's own tests use all parts")
	}
	all := strings.Fields(names)
	if len(all) == 0 {
		all = []string{""} // the error lists the parts
	}
	out, err := removeParts(root, all...)
	if err != nil {
		return err
	}
	fmt.Printf("Removed: %s\nChanged: %s\n", strings.Join(out.files, ", "), strings.Join(slices.Sorted(maps.Keys(out.written)), ", "))
	if out.written["migrations/migrations.go"] != nil || out.written[ownMigrations] != nil {
		fmt.Println("A database with its table is now newer than the program: roll its migration back first, or remove data/ on your machine.")
	}
	return nil
}

// removeParts removes resources and parts: their files, the entries of the tables that
// use their declarations, and their text in the pages. If another file uses them, it
// changes nothing.
func removeParts(root string, names ...string) (out removal, err error) {
	files, dropped, err := filesOf(root, names)
	if err != nil {
		return out, err
	}
	module, err := modulePath(root)
	if err != nil {
		return out, err
	}
	out = removal{root: root, module: module, files: files, removed: map[string]map[string]bool{}, lostServices: map[string]bool{}, written: map[string][]byte{}}
	for _, file := range files {
		if err := out.markRemoved(file); err != nil {
			return out, err
		}
	}
	out.files = slices.DeleteFunc(out.files, func(file string) bool { return strings.HasPrefix(file, "kit/") && !strings.HasSuffix(file, "_test.go") })
	for _, file := range append(slices.Clone(tables), publicRoutes) {
		if err := out.removeEntries(file); err != nil {
			return out, fmt.Errorf("%s: %w", file, err)
		}
	}
	if err := out.checkUsers(dropped); err != nil {
		return out, err
	}
	if err := out.editPages(names); err != nil {
		return out, err
	}
	return out, out.apply()
}

// apply writes and removes the files.
func (out *removal) apply() error {
	for file, text := range out.written {
		if err := overwrite(filepath.Join(out.root, file), text); err != nil {
			return err
		}
	}
	for _, file := range out.files {
		if err := os.Remove(filepath.Join(out.root, file)); err != nil {
			return err
		}
		_ = os.Remove(filepath.Join(out.root, path.Dir(file))) // if it is empty
	}
	return nil
}

// overwrite writes a file that exists, and keeps its permissions.
func overwrite(file string, text []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, info.Mode().Perm())
}

// removal collects all changes before any file is written.
type removal struct {
	root, module  string
	files         []string
	removed       map[string]map[string]bool // the names that the files declare, by package
	lostVariables map[string]bool            // the variables of removed statements
	lostFields    map[string]bool            // the removed fields of structs
	lostServices  map[string]bool            // those of services, which other files use as Auth.NAME
	routes        []string                   // as "GET /notes"
	written       map[string][]byte
}

// markRemoved marks the declarations of a file as removed.
func (out *removal) markRemoved(file string) error {
	if path.Ext(file) != ".go" {
		return nil
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(out.root, file), nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	of := packageOf(file, parsed)
	if out.removed[of] == nil {
		out.removed[of] = map[string]bool{}
	}
	for _, name := range declarations(parsed) {
		out.removed[of][name] = name != "_"
	}
	return nil
}

// packageOf is the folder of a file's package. An external test package gets the
// suffix _test.
func packageOf(file string, parsed *ast.File) string {
	if strings.HasSuffix(parsed.Name.Name, "_test") {
		return path.Dir(file) + "_test"
	}
	return path.Dir(file)
}

// removeEntries removes the entries of a table that use removed names.
func (out *removal) removeEntries(file string) error {
	before, err := os.ReadFile(filepath.Join(out.root, file))
	if errors.Is(err, fs.ErrNotExist) { // it is of a part that was removed before
		return nil
	}
	if err != nil {
		return err
	}
	out.lostVariables, out.lostFields = map[string]bool{}, map[string]bool{}
	after := before
	for {
		positions := token.NewFileSet()
		parsed, err := parser.ParseFile(positions, "", after, 0)
		if err != nil {
			return err
		}
		entry := out.findEntry(file, parsed)
		if entry == nil {
			break
		}
		after = removeText(after, positions.Position(entry.Pos()).Offset, positions.Position(entry.End()).Offset)
	}
	if bytes.Equal(before, after) {
		return nil
	}
	out.written[file], err = fixImports(out.root, file, after)
	return err
}

// checkUsers refuses to remove what another file uses, or tables of the database that
// another migration changes.
func (out *removal) checkUsers(dropped []string) error {
	all, err := git(out.root, "ls-files", "-co", "--exclude-standard", "--", "*.go", ":!vendor")
	if err != nil {
		return err
	}
	word := regexp.MustCompile(`\b(` + alternatives(dropped) + `)\b`)
	for _, file := range strings.Fields(all) {
		text := out.written[file]
		if text == nil {
			text, err = os.ReadFile(filepath.Join(out.root, file))
		}
		if slices.Contains(out.files, file) || errors.Is(err, fs.ErrNotExist) {
			err = nil
			continue
		}
		parsed, parseErr := parser.ParseFile(token.NewFileSet(), file, text, 0)
		if err := errors.Join(err, parseErr); err != nil {
			return err
		}
		out.lostVariables, out.lostFields = nil, nil
		if uses := slices.Sorted(maps.Values(out.removedNames(file, parsed))); len(uses) > 0 {
			return fmt.Errorf("%s uses %s: change or remove that first", file, uses[0])
		}
		if table := findWord(parsed, word); len(dropped) > 0 && table != "" && path.Dir(file) == "migrations" && bytes.Contains(text, []byte("= &gormigrate.Migration{")) {
			return fmt.Errorf("%s changes the table %s: remove it first, and its line in %s", file, table, ownMigrations)
		}
	}
	return nil
}

// findWord returns the first word in the strings of a file that matches, or "".
func findWord(parsed *ast.File, word *regexp.Regexp) (found string) {
	ast.Inspect(parsed, func(node ast.Node) bool {
		if text, ok := node.(*ast.BasicLit); ok && found == "" {
			found = word.FindString(text.Value)
		}
		return true
	})
	return found
}
