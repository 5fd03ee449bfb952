package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// leaves are the packages of the kit that a program can have as its own.
var leaves = []string{"cli", "email", "mail", "password", "revocable", "rows", "seal", "throttle", "token", "totp"}

// sharedPackages are the other ones, and why the kit and the program need the same.
var sharedPackages = map[string]string{
	"apptest":  "it runs the kit's server, jobs and database",
	"client":   "kit/server puts the client of a request into the context, where your copy would not find it",
	"database": "the program would have two halves: a job that one of them adds would wait a second, not a millisecond, for the other",
	"endpoint": "kit/server and kit/rows would not know the routes and inputs of your copy",
	"jobs":     "kit/server runs the jobs, and would not know those of your copy",
	"problem":  "every package of the kit answers its errors, which your copy would not know",
	"server":   "kit/cli starts it, and would not know your copy: put middleware into routes/ instead",
	"settings": "every package of the kit reads its settings with it",
}

// own copies a package of the kit into the program, and changes the imports.
func own(root, name string) error {
	module, err := modulePath(root)
	if err != nil {
		return err
	}
	if err := checkOwn(root, name); err != nil {
		return err
	}
	lines, err := copyPackage(root, name)
	if err != nil {
		return err
	}
	to := names{owned: append(ownedPackages(root), name)}
	if err := rewriteFiles(root, func(file string, text []byte) (string, []byte) { return file, to.ownImports(text, module) }); err != nil {
		return err
	}
	fmt.Printf("%s/ is yours now: %d lines of Go, which updates of the kit no longer reach.\n", name, lines)
	if users := kitUsers(root, name); len(users) > 0 {
		fmt.Printf("These still use the kit's: %s.\n", strings.Join(users, ", "))
	}
	return nil
}

// checkOwn refuses a package that cannot be the program's own, or is already.
func checkOwn(root, name string) error {
	if why := sharedPackages[name]; why != "" {
		return fmt.Errorf("package=%s: it must stay in the kit, because %s", name, why)
	}
	if !slices.Contains(leaves, name) {
		return fmt.Errorf("package=%s: choose one of %s", name, strings.Join(leaves, ", "))
	}
	if _, err := os.Stat(filepath.Join(root, name)); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("package=%s: there is a folder %s/ already", name, name))
	}
	if name == "seal" && !slices.Contains(ownedPackages(root), "throttle") {
		return errors.New("package=seal: kit/throttle takes keys of kit/seal only, so make it yours first: make own package=throttle")
	}
	return nil
}

// copyPackage copies the files of a package of the kit, without its tests. It returns how
// many lines of Go they have, without comments and blank ones.
func copyPackage(root, name string) (lines int, err error) {
	files, err := git(root, "ls-files", "--", "kit/"+name, ":!*_test.go")
	if err == nil {
		err = os.Mkdir(filepath.Join(root, name), 0o755)
	}
	if err != nil {
		return 0, err
	}
	for file := range strings.FieldsSeq(files) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return 0, err
		}
		if path.Ext(file) == ".go" {
			lines += len(codeLine.FindAll(text, -1))
		}
		if err := os.WriteFile(filepath.Join(root, strings.TrimPrefix(file, "kit/")), text, 0o644); err != nil {
			return 0, err
		}
	}
	return lines, nil
}

var codeLine = regexp.MustCompile(`(?m)^\s*([^/\s]|/[^/]).*$`)

// ownedPackages returns the packages of the kit that the program has as its own: it has a
// folder of that name, and imports none from the kit.
func ownedPackages(root string) (names []string) {
	for _, name := range leaves {
		inside, err := git(root, "ls-files", "-co", "--exclude-standard", "--", name+"/*.go")
		_, notUsed := git(root, "grep", "-qF", "--untracked", `"`+kitModule+"/"+name+`"`, "--", "*.go", ":!kit")
		if err == nil && inside != "" && notUsed != nil {
			names = append(names, name)
		}
	}
	return names
}

// ownImports replaces the imports of owned packages.
func (n names) ownImports(text []byte, module string) []byte {
	after := string(text)
	for _, name := range n.owned {
		after = strings.ReplaceAll(after, `"`+kitModule+"/"+name+`"`, `"`+module+"/"+name+`"`)
	}
	return []byte(after)
}

// kitUsers returns the packages of the kit that import another one.
func kitUsers(root, name string) (users []string) {
	files, _ := git(root, "grep", "-lF", `"`+kitModule+"/"+name+`"`, "--", "kit/*.go", ":!*_test.go") // an error is that there are none
	for file := range strings.FieldsSeq(files) {
		users = append(users, path.Dir(file))
	}
	return slices.Compact(users)
}
