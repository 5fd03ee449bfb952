package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Commits are Bob's. Nothing is compiled again in another folder, and nothing
// by a C compiler.
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

// run runs a command in a folder and gives what it prints.
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
	out, err := command.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// tree is a copy of the project's tracked and new files, as a repository of its own.
func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	files := run(t, "../..", "git", "ls-files", "-co", "--exclude-standard")
	for _, file := range strings.Split(files, "\n") {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
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

func TestWhatCannotBeAResourceIsRefusedWithItsCure(t *testing.T) {
	root := tree(t)
	if err := addResource(root, "memo", "", "title:string"); err != nil {
		t.Fatal(err)
	}
	commit(t, root, "Add memos")
	for claim, c := range map[string]struct{ name, fields, says string }{
		"no name":                      {"", "x:int", "write one thing in lower case"},
		"a name in capitals":           {"Task", "x:int", "write one thing in lower case"},
		"a plural":                     {"tasks", "x:int", "write one of them, name=task"},
		"a keyword":                    {"range", "x:int", "range already means something in Go"},
		"a word of Go's":               {"string", "x:int", "string already means something"},
		"a package's name":             {"context", "x:int", "context already means something"},
		"a parameter's name":           {"page", "x:int", "page already means something"},
		"a model's name":               {"user", "x:int", "user already means something"},
		"another table's name":         {"session", "x:int", "handlers/sessions.go is there already"},
		"the table of migrations":      {"migration", "x:int", "the table migrations is there, made by database/migrate.go"},
		"a word of one letter":         {"plan_b_c", "x:int", "GORM would make plan_bc of it"},
		"over 26 characters":           {"very_long_name_of_something", "x:int", "has over 26 characters"},
		"a type of a model":            {"role", "x:int", "Role is taken by models/user.go"},
		"a component of the API":       {"token", "x:int", "Token is taken by handlers/account.go"},
		"a handler's name":             {"protected", "x:int", "Protected is taken"},
		"a file that is for tests":     {"unit_test", "x:int", "Go takes a file"},
		"a file for one platform":      {"window", "x:int", "Go takes a file create_windows.go"},
		"one that is there, otherwise": {"memo", "x:int", "is there already, with other content"},
		"no fields":                    {"task", "", "task has no fields"},
		"no type":                      {"task", "title", "title: has no type"},
		"an unknown type":              {"task", "at:date", "at:date: date is not a type\nfields are NAME:TYPE:RULES"},
		"an unknown rule":              {"task", "title:string:len=3", "len=3 is not a rule of a string"},
		"a rule of another type":       {"task", "done:bool:max=3", "max=3 is not a rule of a bool"},
		"a rule without its number":    {"task", "title:string:max", "max needs a number, such as max=10"},
		"half a character":             {"task", "title:string:max=1.5", "max needs a number"},
		"a choice of nothing":          {"task", "state:string:oneof=", "oneof needs words, such as oneof=open|done"},
		"a field twice":                {"task", "a:int a:bool", "a:bool: is there twice"},
		"a rule twice":                 {"task", "a:int:max=1,max=2", "max is there twice"},
		"a field every row has":        {"task", "id:uuid", "every row has its own id: say more, such as task_id"},
		"a field rows are listed by":   {"task", "key:string", "every row has its own key: say more, such as task_key"},
		"a field in capitals":          {"task", "Title:string", "its name is to be in lower case"},
		"required and nullable":        {"task", "title:string?:required", "leave one out"},
		"a field of one letter words":  {"task", "point_x_y:int", "GORM would call its column point_xy"},
		"a field GORM splits":          {"task", "https_port:int", "GORM would call its column"},
		"no number between":            {"task", "count:int:min=5,max=1", "min is greater than max"},
		"more than text may have":      {"task", "title:string:min=300", "min is greater than max"},
		"fewer than no characters":     {"task", "title:string:min=-1", "correct min or max"},
		"always empty":                 {"task", "title:string:max=0", "correct min or max"},
		"a choice with a length":       {"task", "state:string:oneof=open|done,max=3", "oneof says all of it"},
		"one choice twice":             {"task", "state:string:oneof=open|open", "oneof names a word twice"},
		"too short for an email":       {"task", "contact:string:email,max=5", "no email has fewer than 6 characters"},
		"unique among two":             {"task", "state:string:oneof=open|done,unique", "unique needs at least 100 values"},
		"unique among nine":            {"task", "rank:int:min=1,max=9,unique", "unique needs at least 100 values"},
		"too long for an index":        {"task", "title:string:max=501,sort", "an index holds up to 500 characters"},
		"a filter of text":             {"task", "body:text:filter", "filter is not a rule of a text"},
		"a parent that is not there":   {"task", "project:references", "there is no resource project to belong to: make it first"},
		"a parent nobody owns":         {"task", "session:references", "there is no resource session to belong to"},
		"itself as its parent":         {"task", "task:references", "a resource cannot belong to itself"},
	} {
		t.Run(claim, func(t *testing.T) {
			err := addResource(root, c.name, "", c.fields)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %s", err, c.says)
			}
			if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
				t.Errorf("it wrote %s", changed)
			}
		})
	}
}

func TestWhoMayUseAResourceFitsWhatItBelongsTo(t *testing.T) {
	root := tree(t)
	add := func(name, access, fields string) error { return addResource(root, name, access, fields) }
	if err := errors.Join(add("memo", "", "title:string"), add("room", "shared", "name:string"), add("rate", "admin", "percent:int"), add("booking", "", "room:references"), add("price", "shared", "rate:references")); err != nil {
		t.Fatal(err)
	}
	for claim, is := range map[string]struct{ name, access, fields, says string }{
		"an unknown access":           {"seat", "all", "x:int", "access=all: write owner"},
		"what all read, to one's own": {"seat", "shared", "memo:references", "seat is access=shared and memo is access=owner"},
		"one's own, to admins'":       {"seat", "owner", "rate:references", "seat is access=owner and rate is access=admin"},
	} {
		t.Run(claim, func(t *testing.T) {
			if err := add(is.name, is.access, is.fields); err == nil || !strings.Contains(err.Error(), is.says) {
				t.Errorf("%v, want %s", err, is.says)
			}
		})
	}
}

func TestAResourceIsWrittenOnce(t *testing.T) {
	root := tree(t)
	if err := addResource(root, "memo", "", "title:string"); err != nil {
		t.Fatal(err)
	}
	add := func() {
		if err := addResource(root, "task", "", "title:string:required memo:references?"); err != nil {
			t.Fatal(err)
		}
	}
	add()
	commit(t, root, "Add tasks")
	add()
	if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
		t.Errorf("the second time it wrote %s", changed)
	}
	mine := filepath.Join(root, "handlers/tasks.go")
	text, err := os.ReadFile(mine)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mine, append(text, "\n// mine\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := addResource(root, "task", "", "title:string:required memo:references?"); err == nil || !strings.Contains(err.Error(), "handlers/tasks.go is there already") {
		t.Errorf("over what I wrote: %v", err)
	}
}
