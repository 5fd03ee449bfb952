package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/jinzhu/inflection"
)

//go:embed templates
var templates embed.FS

// resource is what the templates are filled with.
type resource struct {
	Module  string
	Name    string // line_item
	Plural  string // line_items: the path, the table and the files
	Type    string // LineItem
	Types   string // LineItems
	Var     string // lineItem
	Vars    string // lineItems
	Words   string // line item
	Article string // a
	Date    string // of the migration, as 20060102
	Fields  []field
}

// newResource refuses a name that Go, or the names that it makes, cannot take.
func newResource(root, name string) (*resource, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9]+(_[a-z][a-z0-9]*)*$`).MatchString(name) {
		return nil, fmt.Errorf("name=%s: write one thing in lower case, words joined by _, such as name=task or name=line_item", name)
	}
	plural := inflection.Plural(name) // as GORM names the table
	if name == plural && inflection.Singular(name) != name {
		return nil, fmt.Errorf("name=%s: write one of them, name=%s", name, inflection.Singular(name))
	}
	module, err := moduleOf(root)
	if err != nil {
		return nil, err
	}
	r := &resource{
		Module: module, Name: name, Plural: plural,
		Type: goName(name), Types: goName(plural), Var: goVar(name), Vars: goVar(plural),
		Words: strings.ReplaceAll(name, "_", " "), Article: "a", Date: time.Now().UTC().Format("20060102"),
	}
	if strings.ContainsAny(name[:1], "aeio") {
		r.Article = "an"
	}
	for _, word := range []string{r.Var, r.Vars} {
		if token.IsKeyword(word) || taken[word] {
			return nil, fmt.Errorf("name=%s: %s already means something in Go or in a handler: say more, such as name=my_%s", name, word, name)
		}
	}
	last := plural[strings.LastIndex(plural, "_")+1:]
	if suffixes[last] || last == "test" || strings.HasSuffix(name, "_test") {
		return nil, fmt.Errorf("name=%s: Go takes a file create_%s.go for one of a platform or of tests: choose another name", name, plural)
	}
	return r, r.readMigration(root)
}

// taken are what a handler's variables would hide.
var taken = words("bool byte error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr any " +
	"true false nil iota append cap clear close complex copy delete imag len make max min new panic print println real recover " +
	"context endpoint errors gorm models problem time uuid auth handlers ctx db err in page services tx user")

// suffixes of file names that Go builds on one platform alone.
var suffixes = words("aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows " +
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

// files are where each template goes.
func (r *resource) files() map[string]string {
	return map[string]string{
		"model.go.tmpl":     "models/" + r.Name + ".go",
		"handlers.go.tmpl":  "handlers/" + r.Plural + ".go",
		"migration.go.tmpl": "database/create_" + r.Plural + ".go",
		"test.go.tmpl":      "routes/" + r.Plural + "_test.go",
	}
}

// readMigration keeps the date of a migration that is there already.
func (r *resource) readMigration(root string) error {
	text, err := os.ReadFile(filepath.Join(root, "database/create_"+r.Plural+".go"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if found := regexp.MustCompile(`"(\d{8})_create_`).FindSubmatch(text); found != nil {
		r.Date = string(found[1])
	}
	return err
}

// addResource writes a resource like notes: its files, and its lines in the
// tables. Where anything stands in its way it writes nothing.
func addResource(root, name, fields string) error {
	r, err := newResource(root, name)
	if err != nil {
		return err
	}
	if r.Fields, err = parseFields(root, r, fields); err != nil {
		return err
	}
	written := map[string][]byte{}
	for _, from := range slices.Sorted(maps.Keys(r.files())) {
		to := r.files()[from]
		if written[to], err = r.fill(from); err != nil {
			return err
		}
		if written[to], err = format.Source(written[to]); err != nil {
			return err
		}
		switch there, err := os.ReadFile(filepath.Join(root, to)); {
		case err == nil && bytes.Equal(there, written[to]):
			delete(written, to)
		case err == nil:
			return fmt.Errorf("name=%s: %s is there already, with other content: choose another name, or remove that file first", name, to)
		}
	}
	if err := r.clash(root); err != nil {
		return err
	}
	lines, err := r.fill("routes.tmpl")
	if err != nil {
		return err
	}
	for _, table := range []struct{ file, function, setup, lines string }{
		{"database/migrate.go", "migrations", "", "create" + r.Types + ","},
		{"routes/routes.go", "Table", r.Vars + " := handlers." + r.Types + "{DB: db}", "\n" + string(lines)},
	} {
		before, err := os.ReadFile(filepath.Join(root, table.file))
		if err != nil {
			return err
		}
		after, err := addLines(before, table.function, table.setup, table.lines)
		if err != nil {
			return fmt.Errorf("%s: %w", table.file, err)
		}
		if !bytes.Equal(before, after) {
			written[table.file] = after
		}
	}
	for file, text := range written {
		if err := os.WriteFile(filepath.Join(root, file), text, 0o644); err != nil {
			return err
		}
	}
	if len(written) == 0 {
		fmt.Printf("%s is all there: nothing to write.\n", r.Plural)
		return nil
	}
	fmt.Printf("Written: %s\n", strings.Join(slices.Sorted(maps.Keys(written)), ", "))
	return nil
}

func (r *resource) fill(name string) ([]byte, error) {
	filled, err := template.ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = filled.Execute(&out, r)
	return out.Bytes(), err
}

// clash finds what is declared elsewhere by a name that the files declare, and
// routes of the same path.
func (r *resource) clash(root string) error {
	types := words(r.Type + " New" + r.Type + " " + r.Type + "Change " + r.Type + "List")
	own := map[string]map[string]bool{
		"models": types, "auth": types, "problem": types, "endpoint": types,
		"handlers": words(strings.Join(slices.Collect(maps.Keys(types)), " ") + " " + r.Types + " " + r.Type + "ID " + r.Type + "Version " + r.Type + "Page " + r.Var + " " + r.Vars),
		"database": words("create" + r.Types), "routes": words("Test" + r.Types),
	}
	ours := slices.Collect(maps.Values(r.files()))
	for _, folder := range slices.Sorted(maps.Keys(own)) {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			return err
		}
		for _, file := range files {
			relative, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			if slices.Contains(ours, filepath.ToSlash(relative)) {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, declared := range declarations(parsed) {
				if own[folder][declared] {
					return fmt.Errorf("name=%s: %s is taken by %s: choose another name", r.Name, declared, relative)
				}
			}
		}
	}
	table, err := os.ReadFile(filepath.Join(root, "routes/routes.go"))
	for _, found := range regexp.MustCompile(`"/`+r.Plural+`[/"].*`).FindAll(table, -1) {
		if !bytes.Contains(found, []byte(" "+r.Vars+".")) {
			return fmt.Errorf("name=%s: the path /%s is taken in routes/routes.go: choose another name", r.Name, r.Plural)
		}
	}
	return err
}

// declarations are the names of a file's package scope.
func declarations(file *ast.File) (names []string) {
	for _, declaration := range file.Decls {
		switch is := declaration.(type) {
		case *ast.FuncDecl:
			if is.Recv == nil {
				names = append(names, is.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range is.Specs {
				switch is := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, is.Name.Name)
				case *ast.ValueSpec:
					for _, name := range is.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// addLines adds lines at the end of the list that a function returns, and a
// statement before it, unless they are there.
func addLines(source []byte, function, setup, lines string) ([]byte, error) {
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, declaration := range file.Decls {
		is, ok := declaration.(*ast.FuncDecl)
		if !ok || is.Name.Name != function {
			continue
		}
		body := is.Body.List
		last, ok := body[len(body)-1].(*ast.ReturnStmt)
		if !ok || len(last.Results) != 1 {
			break
		}
		list, ok := last.Results[0].(*ast.CompositeLit)
		if !ok {
			break
		}
		cut := positions.Position(list.Rbrace).Offset
		added := slices.Concat(source[:cut], []byte(missing(source, lines)), source[cut:])
		if setup != "" && !bytes.Contains(source, []byte(setup)) {
			cut = positions.Position(body[len(body)-2].End()).Offset
			added = slices.Concat(added[:cut], []byte("\n"+setup), added[cut:])
		}
		return format.Source(added)
	}
	return nil, fmt.Errorf("func %s does not end with a list: add these lines where they belong, and run this again:\n%s\n%s", function, setup, lines)
}

// missing are the lines whose function or migration source does not name.
func missing(source []byte, lines string) string {
	var all []string
	for _, line := range strings.Split(lines, "\n") {
		if named := mention.FindString(line); named != "" && !bytes.Contains(source, []byte(named)) {
			all = append(all, line)
		}
	}
	if len(all) == 0 {
		return ""
	}
	if strings.HasPrefix(lines, "\n") {
		all = append([]string{""}, all...)
	}
	return strings.Join(all, "\n") + "\n"
}

var mention = regexp.MustCompile(`\w+\.[A-Z]\w*\)|create\w+,`)

// WordsPlural is the plural as people write it.
func (r *resource) WordsPlural() string { return strings.ReplaceAll(r.Plural, "_", " ") }

// Receiver is what the methods call their own.
func (r *resource) Receiver() string { return r.Plural[:1] }

// Parents are the fields that refer to other resources.
func (r *resource) Parents() (parents []field) {
	for _, field := range r.Fields {
		if field.Refers != nil {
			parents = append(parents, field)
		}
	}
	return parents
}

// Imports are those of a model or of the handlers, in their order.
func (r *resource) Imports(of string) string {
	uses := func(base string) bool {
		return slices.ContainsFunc(r.Fields, func(f field) bool { return f.Base == base })
	}
	parents, handlers := len(r.Parents()) > 0, of == "handlers"
	groups := [][]string{{}, {}, {}}
	for _, path := range []struct {
		needed bool
		group  int
		path   string
	}{
		{handlers, 0, "context"},
		{handlers && parents, 0, "errors"},
		{uses("time.Time"), 0, "time"},
		{handlers || uses("uuid.UUID"), 1, "github.com/gofrs/uuid/v5"},
		{handlers, 1, "gorm.io/gorm"},
		{handlers, 2, r.Module + "/database"},
		{handlers, 2, r.Module + "/endpoint"},
		{handlers, 2, r.Module + "/models"},
		{handlers && parents, 2, r.Module + "/problem"},
	} {
		if path.needed {
			groups[path.group] = append(groups[path.group], fmt.Sprintf("\t%q\n", path.path))
		}
	}
	var text []string
	for _, group := range groups {
		if len(group) > 0 {
			text = append(text, strings.Join(group, ""))
		}
	}
	return strings.Join(text, "\n")
}
