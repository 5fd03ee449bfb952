package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A resource that is added and removed leaves nothing. Similar names stay.
func TestOnlyTheNamedResourceIsRemoved(t *testing.T) {
	t.Parallel()
	if err := remove(tree(t), "mail"); err == nil || !strings.Contains(err.Error(), "make rename") {
		t.Errorf("before make rename: %v", err)
	}
	root := forked(t)
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alike := errors.Join(addResource(root, "task_tag", "", "label:string"), addResource(root, "subtask", "", "title:string"), addResource(root, "gap", "", "x:int"))
	if err := errors.Join(alike, remove(root, "gap")); err != nil {
		t.Fatal(err)
	}
	write("handlers/task_notes.go", "package handlers\n\nconst tasksPerPage = 20 // of tasks\n")
	commit(t, root, "Begin")
	if err := errors.Join(addResource(root, "task", "shared", "title:string:required,unique"), addResource(root, "step", "", "task:references")); err != nil {
		t.Fatal(err)
	}
	commit(t, root, "Add tasks")
	refused := func(name, says string) {
		t.Helper()
		if err := remove(root, name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", name, err, says)
		}
		if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
			t.Errorf("%s: it changed %s", name, changed)
		}
	}
	refused("task", "uses models.Task: change or remove that first")
	refused("tas", "there is no such resource; the parts that can be removed are apikeys, backup, bench, docs, events, kubernetes, mail, metrics, oauth, totp")
	refused("", "there is no such resource")
	refused("../task", "there is no such resource")
	refused("user", "uses models.")
	steps, err := os.ReadFile(filepath.Join(root, "migrations/create_steps.go"))
	if err := errors.Join(err, remove(root, "step")); err != nil {
		t.Fatal(err)
	}
	write("migrations/add_task_colour.go", strings.NewReplacer("createSteps", "addTaskColour", "steps", "tasks").Replace(string(steps)))
	commit(t, root, "Add a column")
	refused("task", "migrations/add_task_colour.go changes the table tasks: remove it first")
	run(t, root, "git", "rm", "-q", "migrations/add_task_colour.go")
	if err := remove(root, "task"); err != nil {
		t.Fatal(err)
	}
	if left := run(t, root, "git", "diff", "--stat", "HEAD~2"); left != "" {
		t.Errorf("not as it was: %s", run(t, root, "git", "diff", "HEAD~2"))
	}
}
