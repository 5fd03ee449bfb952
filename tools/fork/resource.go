package main

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
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

// The values of access.
const (
	owner  = "owner"  // each user has their own rows
	shared = "shared" // all users read all rows, and admins write
	admin  = "admin"  // only admins read and write
)

// resource is the data of the templates.
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
	Date    string // of the migration, such as 20060102
	Access  string
	Fields  []field

	rows string // the import of the package rows
}

// newResource returns an error if name cannot be the name of a resource.
func newResource(root, name string) (*resource, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9]+(_[a-z][a-z0-9]*)*$`).MatchString(name) {
		return nil, fmt.Errorf("name=%s: use a singular noun in lower case, with _ between words, such as name=task or name=line_item", name)
	}
	module, err := modulePath(root)
	if err != nil {
		return nil, err
	}
	plural := inflection.Plural(name) // as GORM names the table
	r := &resource{
		Module: module, Name: name, Plural: plural, Access: owner,
		Type: goName(name), Types: goName(plural), Var: goVar(name), Vars: goVar(plural),
		Words: strings.ReplaceAll(name, "_", " "), Article: "a", Date: time.Now().UTC().Format("20060102"), rows: kitModule + "/rows",
	}
	if slices.Contains(ownedPackages(root), "rows") {
		r.rows = module + "/rows"
	}
	if strings.ContainsAny(name[:1], "aeio") {
		r.Article = "an"
	}
	if err := r.checkName(root); err != nil {
		return nil, fmt.Errorf("name=%s: %w", name, err)
	}
	return r, r.readMigration(root)
}

// files returns the file that each template writes.
func (r *resource) files() map[string]string {
	return map[string]string{
		"model.go.tmpl":     "models/" + r.Name + ".go",
		"handlers.go.tmpl":  "handlers/" + r.Plural + ".go",
		"migration.go.tmpl": "migrations/create_" + r.Plural + ".go",
		"test.go.tmpl":      "routes/" + r.Plural + "_test.go",
	}
}

// readMigration keeps the date of an existing migration.
func (r *resource) readMigration(root string) error {
	text, err := os.ReadFile(filepath.Join(root, "migrations/create_"+r.Plural+".go"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if found := regexp.MustCompile(`"(\d{8})_create_`).FindSubmatch(text); found != nil {
		r.Date = string(found[1])
	}
	return err
}

const ownRoutes, ownMigrations = "routes/own.go", "migrations/own.go"

// addResource writes a resource like notes: its files, and its lines in the tables
// of the project. If a file or a name exists already, it writes nothing.
func addResource(root, name, access, fields string) error {
	r, err := newResource(root, name)
	if err != nil {
		return err
	}
	if r.Access = cmp.Or(access, owner); !slices.Contains([]string{owner, shared, admin}, r.Access) {
		return fmt.Errorf("access=%s: use owner (each user sees their own), shared (all users read, admins write) or admin (admins only)", access)
	}
	if r.Fields, err = parseFields(root, r, fields); err != nil {
		return err
	}
	written, err := r.newFiles(root)
	if err == nil {
		err = r.checkNames(root)
	}
	if err == nil {
		err = r.addLines(root, written)
	}
	if err != nil {
		return err
	}
	if err := writeAll(root, written); err != nil {
		return err
	}
	if len(written) == 0 {
		fmt.Printf("%s is complete: there is nothing to write.\n", r.Plural)
		return nil
	}
	fmt.Printf("Written: %s\nNext: change handlers/%s.go as you need, then make test, and commit.\n", strings.Join(slices.Sorted(maps.Keys(written)), ", "), r.Plural)
	return nil
}

// newFiles returns the files of the resource that are not there yet.
func (r *resource) newFiles(root string) (map[string][]byte, error) {
	written := map[string][]byte{}
	for _, from := range slices.Sorted(maps.Keys(r.files())) {
		to := r.files()[from]
		text, err := fill(from, r)
		if err != nil {
			return nil, err
		}
		switch there, err := os.ReadFile(filepath.Join(root, to)); {
		case err != nil:
			written[to] = text
		case !bytes.Equal(there, text):
			return nil, fmt.Errorf("name=%s: %s already exists with other content: choose another name, or remove that file first", r.Name, to)
		}
	}
	return written, nil
}

// addLines adds the tables that need lines of the resource.
func (r *resource) addLines(root string, written map[string][]byte) error {
	lines, err := fill("routes.tmpl", r)
	if err != nil {
		return err
	}
	setup := r.Vars + " := handlers." + r.Types + "{DB: a.DB}"
	routes, routesErr := addToTable(root, ownRoutes, setup, "\n"+string(lines), r.Module+"/handlers", kitModule+"/problem")
	list, err := addToTable(root, ownMigrations, "", "create"+r.Types+",")
	for file, after := range map[string][]byte{ownRoutes: routes, ownMigrations: list} {
		before, readErr := os.ReadFile(filepath.Join(root, file))
		err = errors.Join(err, readErr)
		if !bytes.Equal(before, after) {
			written[file] = after
		}
	}
	return errors.Join(routesErr, err)
}

// fill fills in a template and, if it is a whole file, formats it.
func fill(name string, data any) ([]byte, error) {
	filled, err := template.ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := filled.Execute(&out, data); err != nil || !strings.HasSuffix(name, ".go.tmpl") {
		return out.Bytes(), err
	}
	return format.Source(out.Bytes())
}

// writeAll writes files, by their names.
func writeAll(root string, files map[string][]byte) error {
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(root, file), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// checkNames refuses names that another file declares, and paths that another route
// has.
func (r *resource) checkNames(root string) error {
	types := r.Type + " New" + r.Type + " " + r.Type + "Change " + r.Type + "List"
	shown, err := components(root, types)
	if err != nil {
		return err
	}
	own := map[string]map[string]bool{ // by package
		"models": words(r.Type), "handlers": words(types + " " + r.Types + " " + r.Type + "ID " + r.Type + "Version " + r.Type + "Page"),
		"migrations": words("create" + r.Types), "routes_test": words("Test" + r.Types),
	}
	ours := slices.Collect(maps.Values(r.files()))
	files, err := goFiles(root)
	if err != nil {
		return err
	}
	for _, file := range files {
		if slices.Contains(ours, file) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		taken, known := own[packageOf(file, parsed)]
		if !known && !strings.HasSuffix(file, "_test.go") {
			taken = shown
		}
		for _, declared := range declarations(parsed) {
			if taken[declared] {
				return fmt.Errorf("name=%s: %s already declares %s: choose another name", r.Name, file, declared)
			}
		}
	}
	for _, file := range []string{"routes/routes.go", ownRoutes} {
		table, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return err
		}
		for _, found := range regexp.MustCompile(`"/`+r.Plural+`[/"].*`).FindAll(table, -1) {
			if !bytes.Contains(found, []byte(" "+r.Vars+".")) {
				return fmt.Errorf("name=%s: %s already has the path /%s: choose another name", r.Name, file, r.Plural)
			}
		}
	}
	return nil
}
