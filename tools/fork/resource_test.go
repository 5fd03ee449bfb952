package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Bob makes the commits. -trimpath lets the copies share the build cache, and no C
// compiler is needed.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"GIT_AUTHOR_NAME": "Bob", "GIT_AUTHOR_EMAIL": "bob@example.com",
		"GIT_COMMITTER_NAME": "Bob", "GIT_COMMITTER_EMAIL": "bob@example.com",
		"CGO_ENABLED": "0", "GOFLAGS": os.Getenv("GOFLAGS") + " -trimpath",
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// do runs a command of make with its variables, such as name=task.
func do(root, command string, variables ...string) error {
	given := map[string]string{}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		given[name] = value
	}
	return fork(root, command, func(name string) string { return given[name] })
}

func makeResource(root, name, access, fields string) error {
	return do(root, "resource", "name="+name, "access="+access, "fields="+fields)
}

func makeRemove(root, names string) error   { return do(root, "remove", "name="+names) }
func makeMigration(root, name string) error { return do(root, "migration", "name="+name) }
func makeOwn(root, name string) error       { return do(root, "own", "package="+name) }
func makeRename(root, module, keep string) error {
	return do(root, "rename", "module="+module, "keep="+keep)
}

// compiles compiles a program and its tests. One check of go vet does so.
func compiles(t *testing.T, root string) {
	t.Helper()
	run(t, root, "go", "vet", "-assign", "./...")
}

// run runs a command in a folder and returns its output.
func run(t *testing.T, folder string, args ...string) string {
	t.Helper()
	out, err := try(t, folder, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func try(t *testing.T, folder string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), args[0], args[1:]...)
	command.Dir = folder
	command.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "MAKE") }) // as in a shell, not under make
	out, err := command.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// tree is a copy of the project as a new repository, with tracked and new files.
func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	files := run(t, "../..", "git", "ls-files", "-co", "--exclude-standard")
	for _, file := range strings.Split(files, "\n") {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if os.IsNotExist(err) {
			continue // deleted, but not committed
		}
		info, statErr := os.Stat(filepath.Join("../..", file))
		if err != nil || statErr != nil {
			t.Fatal(err, statErr)
		}
		to := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	run(t, root, "git", "init", "-q", "-b", "main")
	commit(t, root, "Begin")
	return root
}

func commit(t *testing.T, root, message string) {
	t.Helper()
	run(t, root, "git", "add", "-A")
	run(t, root, "git", "commit", "-q", "-m", message)
}

func TestAResourceIsAddedBelowARouteThatIsNotFormatted(t *testing.T) {
	t.Parallel()
	root := tree(t)
	pasted := "[]endpoint.Route{\n\t\tapp.Protected(\"GET\", \"/mine\", \"Mine\", mine),\n}"
	edit(t, filepath.Join(root, "routes/own.go"), "[]endpoint.Route{}", pasted)
	if err := makeResource(root, "task", "", "title:string"); err != nil {
		t.Fatal(err)
	}
	if text := string(read(root, "routes/own.go")); !strings.Contains(text, "\t\tapp.Protected(\"GET\", \"/mine\", \"Mine\", mine),\n\n\t\tapp.Protected(\"GET\", \"/tasks\"") {
		t.Error(text)
	}
}

func TestAnInvalidResourceIsRefusedWithAdvice(t *testing.T) {
	t.Parallel()
	root := tree(t)
	if err := makeResource(root, "memo", "", "title:string"); err != nil {
		t.Fatal(err)
	}
	commit(t, root, "Add memos")
	for claim, c := range map[string]struct{ name, fields, says string }{
		"no name":                         {"", "x:int", "use a singular noun in lower case"},
		"a name in capitals":              {"Task", "x:int", "use a singular noun in lower case"},
		"a plural":                        {"tasks", "x:int", "use the singular, name=task"},
		"a plural in -us":                 {"menus", "x:int", "use the singular, name=menu"},
		"a plural of two words":           {"side_tasks", "x:int", "use the singular, name=side_task"},
		"a package of every handler":      {"row", "x:int", "rows is already a name"},
		"a table of the kit":              {"job", "x:int", "kit/jobs/migrations.go already creates the table jobs"},
		"a keyword":                       {"range", "x:int", "range is already a name in Go"},
		"a name in Go":                    {"string", "x:int", "string is already a name"},
		"a package's name":                {"context", "x:int", "context is already a name"},
		"a parameter's name":              {"page", "x:int", "page is already a name"},
		"a model's name":                  {"user", "x:int", "user is already a name"},
		"another table's name":            {"session", "x:int", "handlers/sessions.go already exists"},
		"a row of a part":                 {"note", "x:int", "parts/notes/handlers.go already declares NewNote"},
		"the table of migrations":         {"migration", "x:int", "kit/database/migrate.go already creates the table migrations"},
		"a word of one letter":            {"plan_b_c", "x:int", "GORM would change it to plan_bc"},
		"over 26 characters":              {"very_long_name_of_something", "x:int", "has over 26 characters"},
		"a type of a model":               {"role", "x:int", "models/user.go already declares Role"},
		"a component of the API":          {"token", "x:int", "handlers/account.go already declares Token"},
		"a component of another package":  {"profile", "x:int", "accounts/change.go already declares Profile"},
		"a handler's name":                {"protected", "x:int", "already declares Protected"},
		"a file that is for tests":        {"unit_test", "x:int", "Go builds a file"},
		"a file for one platform":         {"window", "x:int", "Go builds a file create_windows.go"},
		"an existing one, changed":        {"memo", "x:int", "already exists with other content"},
		"no fields":                       {"task", "", "task has no fields"},
		"no type":                         {"task", "title", "title: has no type"},
		"an unknown type":                 {"task", "at:date", "at:date: date is not a type\nfields are NAME:TYPE:RULES"},
		"an unknown rule":                 {"task", "title:string:len=3", "len=3 is not a rule of a string"},
		"a rule of another type":          {"task", "done:bool:max=3", "max=3 is not a rule of a bool"},
		"a rule without its number":       {"task", "title:string:max", "max needs a number, such as max=10"},
		"a fraction of a character":       {"task", "title:string:max=1.5", "max needs a number"},
		"oneof without a word":            {"task", "state:string:oneof=", "oneof needs words, such as oneof=open|done"},
		"a field twice":                   {"task", "a:int a:bool", "a:bool: is given twice"},
		"a rule twice":                    {"task", "a:int:max=1,max=2", "max is given twice"},
		"a field every row has":           {"task", "id:uuid", "every row already has a field id: choose a longer name, such as task_id"},
		"a field of every list":           {"task", "key:string", "every row already has a field key: choose a longer name, such as task_key"},
		"a field in capitals":             {"task", "Title:string", "its name must be in lower case"},
		"required and nullable":           {"task", "title:string?:required", "remove one of them"},
		"a field of one letter words":     {"task", "point_x_y:int", "GORM would name its column point_xy"},
		"a field GORM splits":             {"task", "https_port:int", "GORM would name its column"},
		"min over max":                    {"task", "count:int:min=5,max=1", "min is greater than max"},
		"min over the default max":        {"task", "title:string:min=300", "min is greater than max"},
		"a negative min":                  {"task", "title:string:min=-1", "correct min or max"},
		"always empty":                    {"task", "title:string:max=0", "correct min or max"},
		"oneof with a length":             {"task", "state:string:oneof=open|done,max=3", "oneof already limits the values"},
		"a word of oneof twice":           {"task", "state:string:oneof=open|open", "oneof has a word twice"},
		"too short for an email":          {"task", "contact:string:email,max=5", "an email has at least 6 characters"},
		"unique among two":                {"task", "state:string:oneof=open|done,unique", "unique needs at least 100 possible values"},
		"unique among nine":               {"task", "rank:int:min=1,max=9,unique", "unique needs at least 100 possible values"},
		"too long for an index":           {"task", "title:string:max=501,sort", "an index allows up to 500 characters"},
		"a filter of text":                {"task", "body:text:filter", "filter is not a rule of a text"},
		"a parent that is not there":      {"task", "project:references", "there is no resource project to refer to: add it first"},
		"a parent that is not a resource": {"task", "session:references", "there is no resource session to refer to"},
		"itself as parent":                {"task", "task:references", "a resource cannot belong to itself"},
	} {
		t.Run(claim, func(t *testing.T) {
			err := makeResource(root, c.name, "", c.fields)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %s", err, c.says)
			}
			if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
				t.Errorf("it changed %s", changed)
			}
		})
	}
}

func TestACommonNounMayNameAResource(t *testing.T) {
	t.Parallel()
	root := tree(t)
	for _, name := range []string{"canvas", "lens", "gas", "bonus", "atlas", "chaos", "iris", "bus", "virus", "alias", "basis", "tennis_campus", "person", "status", "order", "name", "document", "group", "client", "link"} {
		if err := makeResource(root, name, "", "label:string:unique"); err != nil {
			t.Error(err)
		}
	}
	compiles(t, root)
}

func TestTheAccessOfAResourceMustSuitItsParent(t *testing.T) {
	t.Parallel()
	root := tree(t)
	add := func(name, access, fields string) error { return makeResource(root, name, access, fields) }
	if err := errors.Join(add("memo", "", "title:string"), add("room", "shared", "name:string"), add("rate", "admin", "percent:int"), add("booking", "", "room:references"), add("price", "shared", "rate:references")); err != nil {
		t.Fatal(err)
	}
	for claim, is := range map[string]struct{ name, access, fields, says string }{
		"an unknown access": {"seat", "all", "x:int", "access=all: use owner"},
		"shared, to owned":  {"seat", "shared", "memo:references", "seat has access=shared and memo has access=owner"},
		"owned, to admin":   {"seat", "owner", "rate:references", "seat has access=owner and rate has access=admin"},
	} {
		t.Run(claim, func(t *testing.T) {
			if err := add(is.name, is.access, is.fields); err == nil || !strings.Contains(err.Error(), is.says) {
				t.Errorf("%v, want %s", err, is.says)
			}
		})
	}
}

func TestAResourceIsWrittenOnce(t *testing.T) {
	t.Parallel()
	root := tree(t)
	if err := makeResource(root, "memo", "", "title:string"); err != nil {
		t.Fatal(err)
	}
	add := func() {
		if err := makeResource(root, "task", "", "title:string:required memo:references?"); err != nil {
			t.Fatal(err)
		}
	}
	add()
	commit(t, root, "Add tasks")
	add()
	if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
		t.Errorf("the second time it changed %s", changed)
	}
	mine := filepath.Join(root, "handlers/tasks.go")
	text, err := os.ReadFile(mine)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mine, append(text, "\n// mine\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeResource(root, "task", "", "title:string:required memo:references?"); err == nil || !strings.Contains(err.Error(), "handlers/tasks.go already exists") {
		t.Errorf("it replaced my change: %v", err)
	}
}
