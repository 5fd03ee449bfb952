package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// leaves are the packages of the kit that a program can have as its own.
var leaves = []string{"cli", "email", "mail", "oidc", "page", "password", "revocable", "rows", "seal", "throttle", "ticket", "token", "totp"}

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

// own copies a package of the kit into the program, without its tests, and changes the
// imports.
func own(root, name string) {
	checkOwn(root, name)
	copied, lines := changes{}, 0
	for _, file := range list(root, "kit/"+name, ":!*_test.go") {
		text := read(root, file)
		if copied[strings.TrimPrefix(file, "kit/")] = text; path.Ext(file) == ".go" {
			lines += len(codeLine.FindAll(text, -1))
		}
	}
	copied.apply(root)
	to, module := names{owned: append(ownedPackages(root), name)}, modulePath(root)
	rewriteFiles(root, func(file string, text []byte) (string, []byte) { return file, to.ownImports(text, module) })
	fmt.Printf("%s/ is yours now: %d lines of Go, which updates of the kit no longer reach.\n", name, lines)
	files, _ := git(root, "grep", "-lF", `"`+kitModule+"/"+name+`"`, "--", "kit/*.go", ":!*_test.go") // an error is that there are none
	var users []string
	for file := range strings.FieldsSeq(files) {
		users = append(users, path.Dir(file))
	}
	if len(users) > 0 {
		fmt.Printf("These still use the kit's: %s.\n", strings.Join(slices.Compact(users), ", "))
	}
}

// checkOwn refuses a package that cannot be the program's own, or is already.
func checkOwn(root, name string) {
	refuse(sharedPackages[name] != "", "package=%s: it must stay in the kit, because %s", name, sharedPackages[name])
	refuse(!slices.Contains(leaves, name), "package=%s: choose one of %s", name, strings.Join(leaves, ", "))
	refuse(exists(root, name), "package=%s: there is a folder %s/ already", name, name)
	for _, taker := range []string{"throttle", "ticket"} {
		refuse(name == "seal" && !slices.Contains(ownedPackages(root), taker), "package=seal: kit/%s takes keys of kit/seal only, so make it yours first: make own package=%[1]s", taker)
	}
}

var codeLine = regexp.MustCompile(`(?m)^\s*([^/\s]|/[^/]).*$`)

// ownedPackages returns the packages of the kit that the program has as its own: it has a
// folder of that name, and imports none from the kit.
func ownedPackages(root string) (names []string) {
	for _, name := range leaves {
		_, notUsed := git(root, "grep", "-qF", "--untracked", `"`+kitModule+"/"+name+`"`, "--", "*.go", ":!kit")
		if len(list(root, name+"/*.go")) > 0 && notUsed != nil {
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
