package main

import (
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestANewMigrationIsAddedAndMustBeWritten(t *testing.T) {
	t.Parallel()
	root := tree(t)
	for _, name := range []string{"AddPhone", "add phone", "../x", "1st", "add__phone", "", "type", "add_test", "drop_windows"} {
		if err := makeMigration(root, name); err == nil || !strings.Contains(err.Error(), "is not a name for a migration") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
		t.Errorf("it changed %s", changed)
	}
	for _, name := range []string{"add_phone", "drop_fax"} {
		if says := run(t, root, "make", "migration", "name="+name); !strings.Contains(says, "Write the change into migrations/"+name+".go; it is listed in migrations/own.go.") {
			t.Error(says)
		}
	}
	if err := makeMigration(root, "add_phone"); err == nil || !strings.Contains(err.Error(), "migrations/add_phone.go already exists") {
		t.Error(err)
	}
	for name, want := range map[string]string{"own.go": `\{\n\t\taddPhone,\n\t\tdropFax,\n\t}\n}`, "add_phone.go": `var addPhone = &gormigrate.Migration\{\n\tID: "\d{8}_add_phone",`} {
		text, err := os.ReadFile(filepath.Join(root, "migrations", name))
		if err != nil {
			t.Fatal(err)
		}
		if formatted, err := format.Source(text); err != nil || string(formatted) != string(text) || !regexp.MustCompile(want).Match(text) {
			t.Errorf("%v\n%s", err, text)
		}
	}
	if out, err := try(t, root, "go", "run", ".", "migrate", "up"); err == nil || !strings.Contains(out, "_add_phone is not written yet") {
		t.Errorf("migrate up: %v, %s", err, out)
	}
}
