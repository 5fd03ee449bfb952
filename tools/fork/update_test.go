package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestWhatAForkRemovedStaysOut(t *testing.T) {
	t.Parallel()
	upstream, fork := tree(t), filepath.Join(t.TempDir(), "shop")
	run(t, ".", "git", "clone", "-q", upstream, fork)
	if err := do(fork, "rename", "module="+forkModule, "without=kubernetes notes"); err != nil {
		t.Fatal(err)
	}
	run(t, fork, "git", "mv", "handlers/sessions.go", "handlers/my_sessions.go")
	run(t, fork, "git", "rm", "-q", "docs/tracing.md")
	commit(t, fork, "Remove a page, and move a file")

	edit(t, filepath.Join(upstream, "parts/notes/handlers.go"), "package notes", "// Fixed.\npackage notes")
	edit(t, filepath.Join(upstream, "handlers/sessions.go"), "package handlers", "// Fixed.\npackage handlers")
	run(t, upstream, "git", "mv", "parts/notes/row.go", "parts/notes/note.go")
	run(t, upstream, "git", "mv", "docs/tracing.md", "docs/traces.md")
	folder := filepath.Join(upstream, "deploy/kubernetes/overlays")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "new.yaml"), "a: b\n")
	commit(t, upstream, "Change and add files")

	says := run(t, fork, "make", "update-template", "upstream="+upstream)
	for _, file := range []string{"parts/notes/handlers.go", "parts/notes/note.go", "docs/traces.md", "deploy/kubernetes/overlays/new.yaml"} {
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
	if err := errors.Join(makeResource(root, "task", "", "title:string"), makeResource(root, "step", "", "task:references")); err != nil {
		t.Fatal(err)
	}
	commit(t, root, "Add tasks")
	if err := makeRemove(root, "notes nothing"); err == nil || !strings.Contains(err.Error(), "nothing: there is no such resource") {
		t.Error(err)
	}
	if changed := run(t, root, "git", "status", "--porcelain"); changed != "" {
		t.Errorf("it changed %s", changed)
	}
	if err := makeRemove(root, "task step notes oauth"); err != nil {
		t.Fatal(err)
	}
	if left, err := try(t, root, "git", "grep", "-iwE", "notes?|tasks?|oauth", "--", "routes/own.go", "migrations/own.go", "AGENTS.md", "Makefile"); err == nil && !strings.Contains(left, "name=task") {
		t.Errorf("left: %s", left)
	}
}

// What AGENTS.md and make help say holds for a project without the optional parts.
func TestTheGuideNamesNoRemovedPart(t *testing.T) {
	t.Parallel()
	root := tree(t)
	if err := do(root, "rename", "module="+forkModule, "only=own"); err != nil {
		t.Fatal(err)
	}
	guide := run(t, root, "cat", "AGENTS.md") + "\n" + run(t, root, "make", "help")
	for _, name := range append(partsOf("../.."), "api key", "prometheus", "/docs", "benchmark", "one-time") {
		if name != "docs" && strings.Contains(strings.ToLower(guide), name) {
			t.Errorf("%s is named in\n%s", name, guide)
		}
	}
}

// A fork has throttle as its own, and has changed another package of the kit.
func TestTheKitIsReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	upstream, fork := tree(t), filepath.Join(t.TempDir(), "shop")
	const first = "# Changelog of the kit\n\n## 0.1.0\n\n- The first.\n"
	write(t, filepath.Join(upstream, "kit/CHANGELOG.md"), first)
	commit(t, upstream, "Begin the changelog")
	run(t, ".", "git", "clone", "-q", upstream, fork)
	if err := errors.Join(makeRename(fork, forkModule, ""), makeOwn(fork, "throttle")); err != nil {
		t.Fatal(err)
	}
	commit(t, fork, "Own throttle")
	edit(t, filepath.Join(fork, "kit/problem/problem.go"), "package problem", "// Ours.\npackage problem")
	write(t, filepath.Join(fork, "kit/problem/ours.go"), "package problem\n")
	commit(t, fork, "Change the kit")

	edit(t, filepath.Join(upstream, "kit/problem/problem.go"), "package problem", "// Fixed.\npackage problem")
	run(t, upstream, "git", "mv", "kit/rows/base.go", "kit/rows/first.go")
	edit(t, filepath.Join(upstream, "accounts/services.go"), `"example.com/latchkey/kit/throttle"`, `"example.com/latchkey/kit/throttle" // counts failures`)
	write(t, filepath.Join(upstream, "kit/CHANGELOG.md"), strings.Replace(first, "## 0.1.0", "## 0.2.0\n\n- A fix.\n\n## 0.1.0", 1))
	commit(t, upstream, "Fix the kit")

	out, err := try(t, fork, "make", "update-template", "upstream="+upstream)
	if err == nil || !strings.Contains(out, "  kit/problem/ours.go\n  kit/problem/problem.go\n") || !strings.Contains(out, "make own package=NAME") {
		t.Errorf("with changes: %v, %s", err, out)
	}
	if head := run(t, fork, "git", "log", "-1", "--format=%s"); head != "Change the kit" || run(t, fork, "git", "status", "--porcelain") != "" {
		t.Errorf("it touched the fork: %s", head)
	}
	run(t, fork, "sh", "-ec", regexp.MustCompile(`git restore .*`).FindString(out))
	says := run(t, fork, "make", "update-template")
	if !strings.Contains(says, "The kit has changed:\n\n## 0.2.0\n\n- A fix.\n\n") || strings.Contains(says, "0.1.0") || !strings.Contains(says, "make test") {
		t.Errorf("the update says %s", says)
	}
	run(t, fork, "git", "fetch", "-q", upstream)
	if differs, err := try(t, fork, "git", "diff", "--name-only", "--diff-filter=AMRTCXUB", "FETCH_HEAD:kit", "HEAD:kit"); differs != "" || err != nil {
		t.Errorf("the kit differs: %s, %v", differs, err)
	}
	if lost := run(t, fork, "git", "diff", "--name-only", "--diff-filter=D", "FETCH_HEAD:kit", "HEAD:kit", "--", ":!*_test.go"); lost != "" {
		t.Errorf("the kit lost %s", lost)
	}
	if text := run(t, fork, "git", "show", "HEAD:accounts/services.go"); !strings.Contains(text, `"`+forkModule+`/throttle" // counts failures`) {
		t.Errorf("the program's own package is not imported: %s", text)
	}
	run(t, fork, "go", "build", "./...")
}

// Its newest version is first.
func TestTheKitsChangelogIsReadBetweenTwoVersions(t *testing.T) {
	t.Parallel()
	root := tree(t)
	kept := func(text string) string {
		write(t, filepath.Join(root, "kit/CHANGELOG.md"), text)
		run(t, root, "git", "add", "kit/CHANGELOG.md")
		return run(t, root, "git", "write-tree")
	}
	none := run(t, root, "git", "rev-parse", "HEAD:docs") // a tree without the file
	one, three := kept("# Changelog of the kit\n\n## 0.1.0\n\n- A.\n"), kept("# Changelog of the kit\n\n## 0.3.0\n\n- C.\n\n## 0.2.0\n\n- B.\n\n## 0.1.0\n\n- A.\n")
	for claim, c := range map[string]struct{ before, after, want string }{
		"none before":       {none, one, "## 0.1.0\n\n- A."},
		"none after":        {one, none, ""},
		"two versions":      {one, three, "## 0.3.0\n\n- C.\n\n## 0.2.0\n\n- B."},
		"the same version":  {three, three, ""},
		"no version at all": {none, kept("# Changelog of the kit\n"), ""},
	} {
		if got := kitEntries(root, c.before, c.after); got != c.want {
			t.Errorf("%s: %q, want %q", claim, got, c.want)
		}
	}
}
