package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/jinzhu/inflection"
)

// extras are what can be removed and has no folder in parts/, with its files and folders.
// Its text in pages is between marks, as that of a part.
var extras = map[string][]string{
	"bench":      {"bench", "docs/performance.md", "docs/bench.svg"},
	"kubernetes": {"deploy/kubernetes", "tools/kubernetes"},
	"template":   {"config/defaults_test.go", "kit/*_test.go", "parts/*/picture.webp", "tests/readme", "tools/e2e/pictures_test.go", "tools/fork/*_test.go"},
	"tests":      {"tests"},
}

const (
	listOfParts  = "parts/parts.go"
	ownPart      = "own"
	changelog    = "CHANGELOG.md"
	newChangelog = "# Changelog\n\n## Unreleased\n\n- The project begins with a template.\n"
)

// isTemplate reports whether a tree was never renamed.
func isTemplate(root string) bool { return exists(root, "tools/fork/template_test.go") }

// partsOf returns the names of the parts of a tree that can be removed.
func partsOf(root string) (names []string) {
	for _, file := range must(fs.Glob(os.DirFS(root), "parts/*/*.go")) {
		if name := path.Base(path.Dir(file)); name != ownPart {
			names = append(names, name)
		}
	}
	return slices.Compact(names)
}

// checkNames refuses names that nothing has.
func checkNames(root string, names ...string) {
	known := partsOf(root)
	for name, paths := range extras {
		if name != "template" && exists(root, paths[0]) {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	for _, name := range names {
		isResource := lowerWords.MatchString(name) && len(list(root, filesOf(name)...)) >= 3
		refuse(name == ownPart, "parts/%s is for your own code, so it stays", name)
		refuse(!isResource && !slices.Contains(known, name), "%s: there is no such resource; the parts that can be removed are %s", name, strings.Join(known, ", "))
	}
}

// remove removes resources and parts, unless other code uses them.
func remove(root, given string) {
	refuse(isTemplate(root), "give the project its name first, with make rename: the template's own tests use all parts")
	names := strings.Fields(given)
	if len(names) == 0 {
		names = []string{""} // the failure lists the parts
	}
	checkNames(root, names...)
	gone := removal(root, names...)
	err := gone.verify(root)
	refuse(err != nil, "nothing is removed, because other code needs %s: change or remove that first\n%w", given, err)
	files := map[bool][]string{} // by whether they are removed
	for _, file := range slices.Sorted(maps.Keys(gone)) {
		files[gone[file] == nil] = append(files[gone[file] == nil], file)
	}
	fmt.Printf("Removed: %s\nChanged: %s\n", strings.Join(files[true], ", "), strings.Join(files[false], ", "))
	if slices.ContainsFunc(files[true], func(file string) bool { return bytes.Contains(read(root, file), isMigration) }) {
		fmt.Println("A database with its table is now newer than the program: roll its migration back first, or remove data/ on your machine.")
	}
	gone.apply(root)
	refresh(root)
}

// refresh writes what is made from the code: the lists of modules, and the document.
func refresh(root string) {
	must(execute(root, "go", "mod", "tidy"))
	if exists(root, "vendor") {
		must(execute(root, "go", "mod", "vendor"))
	}
	document := must(execute(root, "go", "run", ".", "openapi"))
	changes{"docs/openapi.json": []byte(document)}.apply(root)
}

var isMigration = []byte("= &gormigrate.Migration{")

// removal returns the changes that remove parts and resources: their files, their lines in
// lists, and their text in pages.
func removal(root string, names ...string) changes {
	gone, all := changes{}, []string{}
	for _, name := range names {
		paths := extras[name]
		if slices.Contains(partsOf(root), name) {
			paths = []string{"parts/" + name + "/"}
			gone.drop(root, listOfParts, `^\t"`+regexp.QuoteMeta(modulePath(root))+`/parts/`+name+`"\n`, `^\t\t`+name+`\.Part\(\),\n`)
		} else if paths == nil {
			paths = filesOf(name)
			gone.dropResource(root, name)
		}
		all = append(all, paths...)
		for _, file := range list(root, paths...) {
			gone[file] = nil
		}
	}
	text := []string{"^\\|( `(" + alternatives(names) + ")[`.]|.*(" + alternatives(all) + ")).*\n"} // rows of tables
	for _, name := range names {
		text = append(text, `^[ \t]*(# )?<!-- `+name+` -->\n(?s:.*?)<!-- /`+name+` -->\n`)
	}
	for _, page := range list(root, "*.md", "*.yml", "config.yaml", "Makefile", ".ci", ":!vendor", ":!kit", ":!"+changelog) {
		gone.drop(root, page, text...)
	}
	return gone
}

// dropResource drops the lines of a resource in the lists of the project.
func (c changes) dropResource(root, name string) {
	plural := inflection.Plural(name)
	used := regexp.MustCompile("[\"`][^\"`]*\\b" + plural + "\\b")
	for _, file := range list(root, "migrations/*.go") {
		if text := read(root, file); !slices.Contains(filesOf(name), file) && bytes.Contains(text, isMigration) && used.Match(text) {
			fail("%s changes the table %s: remove it first, and its line in %s", file, plural, ownMigrations)
		}
	}
	c.drop(root, ownMigrations, `^\t\tcreate`+goName(plural)+`,\n`)
	c.drop(root, ownTests, `^\t"/`+plural+`": \{\n(\t\t.*\n)*\t\},\n`, `^.*"/`+plural+`".*\n`)
	c.drop(root, ownRoutes, `^.*(\b`+goVar(plural)+`\.|handlers\.`+goName(plural)+`\{).*\n`)
	for _, file := range []string{ownMigrations, ownTests, ownRoutes} {
		text := c.text(root, file)
		for _, gap := range [][2]string{{`\n{3,}`, "\n\n"}, {`\{\n{2,}`, "{\n"}, {`\n{2,}(\t*\})`, "\n$1"}, {`(\w)\{\n\t?\}`, "$1{}"}} {
			text = regexp.MustCompile(gap[0]).ReplaceAll(text, []byte(gap[1]))
		}
		c.set(root, file, fixImports(root, file, text))
	}
}

// drop drops the text that matches one of the patterns from a file.
func (c changes) drop(root, file string, patterns ...string) {
	if text := c.text(root, file); text != nil {
		c.set(root, file, regexp.MustCompile(`(?m)`+strings.Join(patterns, "|")).ReplaceAll(text, nil))
	}
}

// alternatives is a pattern that matches one of the words.
func alternatives(all []string) string {
	var quoted []string
	for _, word := range all {
		quoted = append(quoted, regexp.QuoteMeta(word))
	}
	return strings.Join(quoted, "|")
}
