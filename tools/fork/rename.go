package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// names are what a project is called by.
type names struct {
	module string // github.com/me/my-shop
	word   string // my-shop: the binary, the issuer, the realm
	title  string // My Shop
}

func namesOf(path string) (n names, err error) {
	if err := module.CheckPath(path); err != nil {
		return n, fmt.Errorf("module=%s: write the path that Go is to know it by, such as module=github.com/me/shop (%w)", path, err)
	}
	n.module = path
	prefix, _, _ := module.SplitPathVersion(path)
	n.word = strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(prefix[strings.LastIndex(prefix, "/")+1:]))
	if !regexp.MustCompile(`^[a-z][a-z0-9-]*$`).MatchString(n.word) {
		return n, fmt.Errorf("module=%s: its last part names the program, so begin it with a letter", path)
	}
	for _, part := range strings.Split(n.word, "-") {
		n.title = strings.TrimSpace(n.title + " " + strings.ToUpper(part[:min(1, len(part))]) + part[min(1, len(part)):])
	}
	return n, nil
}

// kept are the files that say where the project comes from.
var kept = []string{"LICENSE", "CHANGELOG.md"}

// ownTest holds what only the template promises; a fork goes without.
const ownTest = "tools/fork/template_test.go"

// templateCommit is the trailer of a commit that says up to where the
// template's changes are in.
const templateCommit = "Template-Commit"

// renameTree renames the project, in its tracked files alone, and commits that.
func renameTree(root, module string) error {
	if err := clean(root); err != nil {
		return err
	}
	to, err := namesOf(module)
	if err != nil {
		return err
	}
	from, err := git(root, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	if err := rewrite(root, to); err != nil {
		return err
	}
	if _, err := git(root, "add", "-A"); err != nil {
		return err
	}
	if _, err := git(root, "commit", "-q", "-m", "Rename the project to "+to.title, "-m", templateCommit+": "+from); err != nil {
		return fmt.Errorf("all is renamed and staged, but not committed: correct this, and commit with the line \"%s: %s\"\n%w", templateCommit, from, err)
	}
	fmt.Printf("This is %s now: module %s, program bin/%s. It is committed.\nNext: make test lint, then make resource name=task fields=\"title:string:required\".\n", to.title, to.module, to.word)
	return nil
}

// rewrite writes the new names over the old ones in every tracked file.
func rewrite(root string, to names) error {
	old, err := moduleOf(root)
	if err != nil {
		return err
	}
	from, err := namesOf(old)
	if err != nil {
		return err
	}
	words := map[string]string{
		from.module: to.module, from.word: to.word, from.title: to.title,
		strings.ToUpper(from.word): strings.ToUpper(to.word),
	}
	pattern := regexp.MustCompile(regexp.QuoteMeta(from.module) + `\b|\b(` + regexp.QuoteMeta(from.word) + "|" + regexp.QuoteMeta(from.title) + "|" + regexp.QuoteMeta(strings.ToUpper(from.word)) + `)\b`)
	replace := func(text []byte) []byte {
		return pattern.ReplaceAllFunc(text, func(word []byte) []byte { return []byte(words[string(word)]) })
	}
	if err := os.Remove(filepath.Join(root, ownTest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := git(root, "ls-files", "-z")
	if err != nil {
		return err
	}
	for _, file := range strings.Split(strings.Trim(files, "\x00"), "\x00") {
		if err := rewriteFile(root, file, replace); err != nil {
			return err
		}
	}
	return nil
}

func rewriteFile(root, file string, replace func([]byte) []byte) error {
	at := filepath.Join(root, file)
	info, err := os.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() || slices.Contains(kept, file) {
		return nil
	}
	before, readErr := os.ReadFile(at)
	if err := errors.Join(err, readErr); err != nil || bytes.ContainsRune(before, 0) {
		return err
	}
	after := replace(before)
	if path.Ext(file) == ".go" {
		if after, err = format.Source(after); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	if !bytes.Equal(before, after) {
		if err := os.WriteFile(at, after, info.Mode().Perm()); err != nil {
			return err
		}
	}
	if moved := string(replace([]byte(file))); moved != file {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, moved)), 0o755); err != nil {
			return err
		}
		return os.Rename(at, filepath.Join(root, moved))
	}
	return nil
}
