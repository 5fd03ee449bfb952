package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatAForkRemovedStaysOut(t *testing.T) {
	t.Parallel()
	upstream, fork := tree(t), filepath.Join(t.TempDir(), "shop")
	run(t, ".", "git", "clone", "-q", upstream, fork)
	if err := errors.Join(renameTree(fork, forkModule, ""), remove(fork, "kubernetes note")); err != nil {
		t.Fatal(err)
	}
	run(t, fork, "git", "mv", "handlers/sessions.go", "handlers/my_sessions.go")
	commit(t, fork, "Remove parts, and move a file")

	edit(t, filepath.Join(upstream, "handlers/notes.go"), "package handlers", "// Fixed.\npackage handlers")
	edit(t, filepath.Join(upstream, "handlers/sessions.go"), "package handlers", "// Fixed.\npackage handlers")
	run(t, upstream, "git", "mv", "models/note.go", "models/notes.go")
	folder := filepath.Join(upstream, "deploy/kubernetes/overlays")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "new.yaml"), "a: b\n")
	commit(t, upstream, "Change and add files")

	says := run(t, fork, "make", "update-template", "upstream="+upstream)
	for _, file := range []string{"handlers/notes.go", "models/notes.go", "deploy/kubernetes/overlays/new.yaml"} {
		if _, err := os.Stat(filepath.Join(fork, file)); err == nil || !strings.Contains(says, "  "+file+"\n") {
			t.Errorf("%s is there: %v, and the message is %s", file, err == nil, says)
		}
	}
	if strings.Contains(says, "sessions.go") || !strings.HasPrefix(run(t, fork, "git", "show", "HEAD:handlers/my_sessions.go"), "// Fixed.") {
		t.Errorf("the moved file was not changed: %s", says)
	}
}

// Two parts of which one uses the other are removed together, or not at all.
func TestSeveralNamesAreRemovedInOnePass(t *testing.T) {
	t.Parallel()
	root := forked(t)
	if err := errors.Join(addResource(root, "task", "", "title:string"), addResource(root, "step", "", "task:references")); err != nil {
		t.Fatal(err)
	}
	commit(t, root, "Add tasks")
	if err := remove(root, "note nothing"); err == nil || !strings.Contains(err.Error(), "name=nothing: there is no such resource") {
		t.Error(err)
	}
	if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
		t.Errorf("it changed %s", changed)
	}
	if err := remove(root, "task step note oauth"); err != nil {
		t.Fatal(err)
	}
	if left, err := try(t, root, "git", "grep", "-iwE", "notes?|tasks?|oauth", "--", "routes/own.go", "migrations/own.go", "AGENTS.md", "Makefile"); err == nil && !strings.Contains(left, "name=task") {
		t.Errorf("left: %s", left)
	}
}

// What AGENTS.md and make help say holds for a project without the optional parts.
func TestTheGuideNamesNoRemovedPart(t *testing.T) {
	t.Parallel()
	root := without(t, optional...)
	guide := run(t, root, "cat", "AGENTS.md") + run(t, root, "make", "help")
	for _, name := range append(optional, "notes", "api key", "prometheus", "/docs", "benchmark", "one-time") {
		if name != "docs" && strings.Contains(strings.ToLower(guide), name) {
			t.Errorf("%s is named in\n%s", name, guide)
		}
	}
}
