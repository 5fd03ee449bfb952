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

// names are the names of a project.
type names struct {
	module string // github.com/me/my-shop
	word   string // my-shop: the binary, the issuer, the realm
	title  string // My Shop
}

func namesOf(path string) (n names, err error) {
	if err := module.CheckPath(path); err != nil {
		return n, fmt.Errorf("module=%s: use a Go module path, such as module=github.com/me/shop (%w)", path, err)
	}
	n.module = path
	prefix, _, _ := module.SplitPathVersion(path)
	n.word = strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(prefix[strings.LastIndex(prefix, "/")+1:]))
	if !regexp.MustCompile(`^[a-z][a-z0-9-]*$`).MatchString(n.word) {
		return n, fmt.Errorf("module=%s: the last part is the name of the program and must begin with a letter", path)
	}
	for _, part := range strings.Split(n.word, "-") {
		n.title = strings.TrimSpace(n.title + " " + strings.ToUpper(part[:min(1, len(part))]) + part[min(1, len(part)):])
	}
	return n, nil
}

// notRenamed are the files about the origin of the project.
var notRenamed = []string{"LICENSE", "CHANGELOG.md"}

// templateTest tests only the template, so a fork does not have it.
const templateTest = "tools/fork/template_test.go"

// templateCommit is a commit trailer: the last commit of the template that the fork
// includes.
const templateCommit = "Template-Commit"

// renameTree renames the project in its tracked files and commits the change.
func renameTree(root, module string) error {
	if err := checkClean(root); err != nil {
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
		return fmt.Errorf("everything is renamed and staged, but git commit failed: solve the problem, and commit with the line \"%s: %s\"\n%w", templateCommit, from, err)
	}
	fmt.Printf("The project is now %s: module %s, program bin/%s. The change is committed.\nNext: make test lint, then make resource name=task fields=\"title:string:required\".\n", to.title, to.module, to.word)
	return nil
}

// rewrite replaces the old names by the new ones in every tracked file.
func rewrite(root string, to names) error {
	old, err := modulePath(root)
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
	if err := os.Remove(filepath.Join(root, templateTest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() || slices.Contains(notRenamed, file) {
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
	if newName := string(replace([]byte(file))); newName != file {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, newName)), 0o755); err != nil {
			return err
		}
		return os.Rename(at, filepath.Join(root, newName))
	}
	return nil
}
