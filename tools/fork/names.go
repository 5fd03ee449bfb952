package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jinzhu/inflection"
)

// maxName is the maximum length of a name. PostgreSQL truncates the names of
// indexes after 63 bytes.
const maxName = 26

// checkName refuses a name that Go or GORM cannot use.
func (r *resource) checkName(root string) error {
	last := r.Plural[strings.LastIndex(r.Plural, "_")+1:]
	switch column := columnOf(r.Type); {
	case len(r.Name) > maxName:
		return fmt.Errorf("has over %d characters: choose a shorter name", maxName)
	case r.Name == r.Plural && inflection.Singular(r.Name) != r.Name && !singularInS(last):
		return fmt.Errorf("use the singular, name=%s", inflection.Singular(r.Name))
	case column != r.Name:
		return fmt.Errorf("GORM would change it to %s: choose a name with words of two letters or more", column)
	case suffixes[last] || last == "test" || strings.HasSuffix(r.Name, "_test"):
		return fmt.Errorf("Go builds a file create_%s.go only for tests or for one platform: choose another name", r.Plural) //nolint:staticcheck // Go is a name
	}
	for _, word := range []string{r.Var, r.Vars} {
		if token.IsKeyword(word) || usedNames[word] {
			return fmt.Errorf("%s is already a name in Go or in a handler: choose a longer one, such as name=my_%s", word, r.Name)
		}
	}
	return r.checkTable(root)
}

// singularInS reports whether a noun that ends in s is a singular. inflection, which makes
// the names of GORM's tables, takes it for a plural.
func singularInS(noun string) bool {
	usually := strings.HasSuffix(noun, "us") || strings.HasSuffix(noun, "is")
	return usually != exceptions[noun]
}

// exceptions are singulars with other ends, and plurals in -us and -is.
var exceptions = words("alias analytics atlas bias canvas chaos corps cosmos ethos gas kudos lens logistics mathematics pancreas pathos physics summons thermos " +
	"apis cpus emojis gpus gurus kiwis menus skis skus taxis uris wikis")

// createTable finds the types that a migration creates tables from.
var createTable = regexp.MustCompile(`CreateTable\(&(\w+)\{`)

// checkTable refuses a table that another migration creates, and the table of the
// migrations themselves.
func (r *resource) checkTable(root string) error {
	tables := map[string]string{"Migration": "kit/database/migrate.go"}
	files, err := goFiles(root)
	for _, file := range files {
		text, readErr := os.ReadFile(filepath.Join(root, file))
		err = errors.Join(err, readErr)
		for _, made := range createTable.FindAllSubmatch(text, -1) {
			tables[string(made[1])] = file
		}
	}
	if err != nil {
		return err
	}
	if file, exists := tables[r.Type]; exists && file != r.files()["migration.go.tmpl"] {
		return fmt.Errorf("%s already creates the table %s: choose another name", file, r.Plural)
	}
	return nil
}

// goFiles returns the files of the packages of the program and of the kit. The kit's tests
// have tables and types of their own.
func goFiles(root string) ([]string, error) {
	ours, oursErr := fs.Glob(os.DirFS(root), "*/*.go")
	kit, err := fs.Glob(os.DirFS(root), "kit/*/*.go")
	kit = slices.DeleteFunc(kit, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
	return append(ours, kit...), errors.Join(oursErr, err)
}

// components returns the types that are components of the document.
func components(root, types string) (found map[string]bool, err error) {
	var document struct {
		Components struct{ Schemas map[string]any }
	}
	text, err := os.ReadFile(filepath.Join(root, "docs/openapi.json"))
	if err == nil {
		err = json.Unmarshal(text, &document)
	}
	found = words(types)
	maps.DeleteFunc(found, func(name string, _ bool) bool { return document.Components.Schemas[name] == nil })
	return found, err
}

// usedNames are the names that a variable of a handler must not hide.
var usedNames = words("bool byte error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr any " +
	"true false nil iota append cap clear close complex copy delete imag len make max min new panic print println real recover " +
	"context database endpoint errors gorm models problem rows time uuid handlers ctx err in page tx user")

// suffixes of file names that Go builds only on one platform.
var suffixes = words("aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris unix wasip1 windows " +
	"386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm")

func words(text string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(text) {
		all[word] = true
	}
	return all
}

// initialisms are written in capitals in Go names.
var initialisms = words("api cpu css dns html http https id ip json sql ssh tcp tls ttl udp ui uid uri url utf8 uuid xml")

func goName(name string) string {
	var all strings.Builder
	for _, word := range strings.Split(name, "_") {
		if initialisms[word] {
			all.WriteString(strings.ToUpper(word))
		} else {
			all.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return all.String()
}

func goVar(name string) string {
	first, rest, _ := strings.Cut(name, "_")
	if rest == "" {
		return first
	}
	return first + goName(rest)
}

// gormInitialisms are the initialisms that GORM knows, in its order.
var gormInitialisms = strings.Fields("API ASCII CPU CSS DNS EOF GUID HTML HTTP HTTPS ID IP JSON LHS QPS RAM RHS RPC SLA SMTP SSH TLS TTL UID UI UUID URI URL UTF8 VM XML XSRF XSS")

var (
	capitals  = regexp.MustCompile(`([A-Z]+)([A-Z][a-z])`)
	camelCase = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// columnOf is the column name that GORM derives from a Go name.
func columnOf(name string) string {
	var pairs []string
	for _, word := range gormInitialisms {
		pairs = append(pairs, word, word[:1]+strings.ToLower(word[1:]))
	}
	name = strings.NewReplacer(pairs...).Replace(name)
	return strings.ToLower(camelCase.ReplaceAllString(capitals.ReplaceAllString(name, "${1}_$2"), "${1}_$2"))
}

var lowerWords = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$`)

// checkField refuses a field's name that Go or GORM cannot use.
func (r *resource) checkField(name string) error {
	switch column := columnOf(goName(name)); {
	case len(name) > maxName:
		return fmt.Errorf("its name has over %d characters", maxName)
	case column != name:
		return fmt.Errorf("GORM would name its column %s: choose a name with words of two letters or more", column)
	case reserved[goName(name)] || slices.Contains([]string{r.Type + "ID", r.Type + "Version"}, goName(name)):
		return errors.New("every row already has a field " + name + ": choose a longer name, such as " + r.Name + "_" + name)
	}
	return nil
}

// reserved are the names of members that each resource already has.
var reserved = words("ID CreatedAt UpdatedAt OwnerID Owner Owned Versioned Base Key ETag IfMatch BeforeCreate Page Limit Cursor Sort By")
