package main

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"go/format"
	"go/token"
	"maps"
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
	Part    string // the part that it is, or "" in the layers
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
	Rows    string // the package rows of the kit, or the program's own
	Fields  []field
}

func newResource(root, part, name string) *resource {
	refuse(!regexp.MustCompile(`^[a-z][a-z0-9]+(_[a-z][a-z0-9]*)*$`).MatchString(name), "name=%s: use a singular noun in lower case, with _ between words, such as name=task or name=line_item", name)
	module, plural := modulePath(root), inflection.Plural(name) // as GORM names the table
	r := &resource{
		Module: module, Part: part, Name: name, Plural: plural, Access: owner,
		Type: goName(name), Types: goName(plural), Var: goVar(name), Vars: goVar(plural),
		Words: strings.ReplaceAll(name, "_", " "), Article: "a", Date: time.Now().UTC().Format("20060102"), Rows: kitModule + "/rows",
	}
	if slices.Contains(ownedPackages(root), "rows") {
		r.Rows = module + "/rows"
	}
	if strings.ContainsAny(name[:1], "aeio") {
		r.Article = "an"
	}
	r.checkName()
	if file := r.files()["migration.go.tmpl"]; exists(root, file) { // whose date stays
		if found := regexp.MustCompile(`"(\d{8})_create_`).FindSubmatch(read(root, file)); found != nil {
			r.Date = string(found[1])
		}
	}
	return r
}

// files returns the file that each template writes.
func (r *resource) files() map[string]string {
	if r.Part != "" {
		folder := "parts/" + r.Part + "/"
		return map[string]string{
			"row.go.tmpl": folder + "row.go", "handlers.go.tmpl": folder + "handlers.go", "migration.go.tmpl": folder + "migration.go",
			"part.go.tmpl": folder + r.Part + ".go", "test.go.tmpl": folder + r.Part + "_test.go",
		}
	}
	return map[string]string{
		"row.go.tmpl":       "models/" + r.Name + ".go",
		"handlers.go.tmpl":  "handlers/" + r.Plural + ".go",
		"migration.go.tmpl": "migrations/create_" + r.Plural + ".go",
		"test.go.tmpl":      "routes/" + r.Plural + "_test.go",
	}
}

// filesOf returns the files of a resource in the layers.
func filesOf(name string) []string {
	return slices.Sorted(maps.Values((&resource{Name: name, Plural: inflection.Plural(name)}).files()))
}

const ownRoutes, ownMigrations, ownTests = "routes/own.go", "migrations/own.go", "app/apptest/own.go"

// addResource writes a resource like notes: its files, and its lines in the lists of the
// project. If a file or a name exists already, it writes nothing.
func addResource(root, name, access, fields, part string) {
	if part != "" {
		checkPart(root, part)
	}
	r := newResource(root, part, name)
	if r.Access = cmp.Or(access, owner); !slices.Contains([]string{owner, shared, admin}, r.Access) {
		fail("access=%s: use owner (each user sees their own), shared (all users read, admins write) or admin (admins only)", access)
	}
	r.Fields = parseFields(root, r, fields)
	written := changes{}
	for _, from := range slices.Sorted(maps.Keys(r.files())) {
		to := r.files()[from]
		text := oneImport.ReplaceAll(fixImports(root, to, fill(from, r)), []byte("import $1\n"))
		refuse(exists(root, to) && !bytes.Equal(read(root, to), text), "name=%s: %s already exists with other content: choose another name, or remove that file first", name, to)
		written.set(root, to, text)
	}
	r.checkNames(root)
	if part == "" {
		added := addLines(ownRoutes, read(root, ownRoutes), r.Vars+" := handlers."+r.Types+"{DB: p.DB}", "\n"+string(fill("routes.tmpl", r)))
		written.set(root, ownRoutes, fixImports(root, ownRoutes, added, r.Module+"/app", r.Module+"/handlers", kitModule+"/problem"))
		written.set(root, ownMigrations, fixImports(root, ownMigrations, addLines(ownMigrations, read(root, ownMigrations), "", "create"+r.Types+",")))
	} else {
		last := []byte("\t\t" + ownPart + ".Part(),\n")
		added := bytes.Replace(read(root, listOfParts), last, append([]byte("\t\t"+part+".Part(),\n"), last...), 1)
		written.set(root, listOfParts, fixImports(root, listOfParts, added, r.Module+"/parts/"+part))
	}
	written.apply(root)
	if len(written) == 0 {
		fmt.Printf("%s is complete: there is nothing to write.\n", r.Plural)
		return
	}
	fmt.Printf("Written: %s\nNext: change %s as you need, then make test, and commit.\n", strings.Join(slices.Sorted(maps.Keys(written)), ", "), r.files()["handlers.go.tmpl"])
}

var oneImport = regexp.MustCompile(`import \(\n\t(".*")\n\)\n`)

// checkPart refuses the name of a part that exists, or that Go cannot use.
func checkPart(root, part string) {
	refuse(exists(root, "parts/"+part), "part=%s: there is a part of that name already: write into its folder yourself, or choose another name", part)
	bad := !regexp.MustCompile(`^[a-z][a-z0-9]+$`).MatchString(part) || suffixes[part] || usedNames[part] || words("row handlers migration test")[part] || token.IsKeyword(part)
	refuse(bad, "part=%s: use a short word in lower case that is not yet a name in Go, such as part=shop", part)
}

// fill fills in a template.
func fill(name string, data any) []byte {
	var out bytes.Buffer
	check(must(template.ParseFS(templates, "templates/*.tmpl")).ExecuteTemplate(&out, name, data))
	return out.Bytes()
}

// ownList finds the list of func own: the statements before it, its beginning, and its entries.
var ownList = regexp.MustCompile(`(?ms)^func [oO]wn\([^\n]*\{\n(.*?)(^\t(?:\w+ := |return )\[\][\w.*]+\{)(?:(\n.*?\n)\t)?\}$`)

// nameInLine is the function or the migration that a line of a list names.
var nameInLine = regexp.MustCompile(`\w+\.[A-Z]\w*\)|^\w+,$`)

// addLines adds lines to the end of the list of func own, and a statement before it. It
// skips those that are there already.
func addLines(file string, source []byte, setup, added string) []byte {
	if formatted, err := format.Source(source); err == nil { // a line may be pasted between the braces
		source = formatted
	}
	at := ownList.FindSubmatchIndex(source)
	refuse(at == nil, "%s: func own has no list: add these lines yourself, and run this again:\n%s\n%s", file, setup, added)
	var missing string
	for _, line := range lines(added) {
		if named := nameInLine.FindString(line); !regexp.MustCompile(`\b` + regexp.QuoteMeta(named)).Match(source) {
			missing += line + "\n"
		}
	}
	if missing == "" {
		return source
	}
	before, entries := string(source[at[2]:at[3]]), "\n"
	if at[6] >= 0 {
		entries = string(source[at[6]:at[7]])
		if setup != "" {
			entries += "\n" // between resources
		}
	}
	if !strings.Contains(before, setup) {
		before = strings.TrimLeft(strings.TrimRight(before, "\n")+"\n"+setup+"\n\n", "\n")
	}
	return slices.Concat(source[:at[2]], []byte(before), source[at[4]:at[5]], []byte(entries+missing), source[at[1]-1:])
}

// checkNames refuses names that another file declares, and tables and paths that it has.
func (r *resource) checkNames(root string) {
	var document struct {
		Components struct{ Schemas map[string]any }
	}
	check(json.Unmarshal(read(root, "docs/openapi.json"), &document))
	types := r.Type + " New" + r.Type + " " + r.Type + "Change " + r.Type + "List"
	taken := map[string]map[string]bool{} // by folder
	if r.Part == "" {
		taken["models"], taken["migrations"], taken["routes"] = words(r.Type), words("create"+r.Types), words("Test"+r.Types)
		taken["handlers"] = words(types + " " + r.Types + " " + r.Type + "ID " + r.Type + "Version " + r.Type + "Page")
	}
	ours := slices.Collect(maps.Values(r.files()))
	for _, file := range list(root, "*.go", ":!vendor", ":!tools", ":!bench", ":!tests", ":!kit/*_test.go") {
		if slices.Contains(ours, file) {
			continue
		}
		for _, found := range declared.FindAllSubmatch(read(root, file), -1) {
			name, table, path := string(found[1])+string(found[2]), string(found[3]), string(found[4])
			switch {
			case table == r.Type:
				fail("name=%s: %s already creates the table %s: choose another name", r.Name, file, r.Plural)
			case taken[filepath.Dir(file)][name], words(types)[name] && document.Components.Schemas[name] != nil && !strings.HasSuffix(file, "_test.go"):
				fail("name=%s: %s already declares %s: choose another name", r.Name, file, name)
			case path == r.Plural && !bytes.Contains(found[0], []byte(" "+r.Vars+".")):
				fail("name=%s: %s already has the path /%s: choose another name", r.Name, file, r.Plural)
			}
		}
	}
}

// declared finds a name, the type of a new table, or the begin of the path of a route.
var declared = regexp.MustCompile(`(?m)^(?:func|type|var|const) (\w+)|^\t(\w+)(?: +[\w.]+)? += |CreateTable\(&(\w+)\{|"[A-Z]+", "/(\w+)[/"].*`)
