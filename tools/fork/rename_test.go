package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An ordinary word may be the name of a fork: only the template's lines are renamed.
func TestRenamingTwiceIsRenamingOnce(t *testing.T) {
	t.Parallel()
	const last = "github.com/me/shop"
	begin := func(t *testing.T, module string) (root string) {
		root = tree(t)
		if err := makeRename(root, module, ""); err != nil {
			t.Fatal(err)
		}
		own := "package handlers\n\nimport _ \"" + module + "/models\" // of " + module + "\n\n" + `// App calls the api of github.com/me/api-client and stores it in data/app.db.
type App struct{ api, app string }
`
		if err := os.WriteFile(filepath.Join(root, "handlers/own.go"), []byte(own), 0o644); err != nil {
			t.Fatal(err)
		}
		commit(t, root, "Add our own file")
		return root
	}
	once := begin(t, last)
	for _, first := range []string{"github.com/me/api", "github.com/me/app", "example.com/the-corner.api/v2"} {
		t.Run(first, func(t *testing.T) {
			twice := begin(t, first)
			if err := makeRename(twice, last, ""); err != nil {
				t.Fatal(err)
			}
			run(t, twice, "git", "fetch", "-q", once, "HEAD")
			if changed := run(t, twice, "git", "diff", "FETCH_HEAD"); changed != "" {
				t.Error(changed)
			}
		})
	}
}

// A fork has neither the benchmark nor the tests and the changelog of the template.
func TestAForkLeavesOutWhatOnlyTheTemplateNeeds(t *testing.T) {
	t.Parallel()
	root := tree(t)
	if err := makeRename(root, forkModule, "all"); err == nil || !strings.Contains(err.Error(), "only tests and bench can be kept") {
		t.Errorf("keep=all: %v", err)
	}
	if err := makeRename(root, forkModule, ""); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"bench", "config/defaults_test.go", "docs/performance.md", "docs/bench.svg", "parts/docs/picture.webp", "tools/e2e/pictures_test.go", "tools/fork/rename_test.go", "tools/fork/resource_test.go"} {
		if _, err := os.Stat(filepath.Join(root, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", gone, err)
		}
	}
	if found, err := try(t, root, "git", "grep", "-nE", `make (bench|test-tools|rename)\b|bench/|bench\.svg|performance\.md|<!-- (bench|template) -->|^bench|^test-tools`, "--",
		"*.md", "*.yml", "Makefile", ".ci", ":!docs/removing.md"); err == nil {
		t.Errorf("left: %s", found)
	}
	if changed := run(t, root, "git", "diff", "--name-only", "--diff-filter=d", "HEAD~1", "HEAD", "--", "kit"); changed != "" {
		t.Errorf("files of the kit have changed: %s", changed)
	}
	if left := run(t, root, "git", "ls-files", "tests", "kit/*_test.go", "tools/fork/*_test.go"); left != "" {
		t.Errorf("left: %s", left)
	}
	run(t, root, "git", "grep", "-q", `Prefix = "corner_shop_"`, "--", "parts/apikeys")
	if found, err := try(t, root, "git", "grep", "-nw", "-e", "lk_", "-e", "lk_[a-z0-9A-Z]*"); err == nil {
		t.Errorf("the prefix of API keys is left: %s", found)
	}
	if text := run(t, root, "git", "show", "HEAD:CHANGELOG.md"); text != strings.TrimSpace(newChangelog) {
		t.Errorf("the changelog is %s", text)
	}
}
