package main

import (
	"bytes"
	"cmp"
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
	prefix string // my_shop_: begins its API keys

	owned []string // the packages of the kit that it has as its own
}

// keyPrefix finds the prefix of API keys in keysFile.
var keyPrefix = regexp.MustCompile(`const KeyPrefix = "(\w+)"`)

const keysFile = "accounts/key_authenticator.go"

// withPrefix returns the names of the template with the prefix in the text of its
// keysFile, which is not derived from its name.
func (n names) withPrefix(text string) names {
	n.prefix = ""
	if found := keyPrefix.FindStringSubmatch(text); found != nil {
		n.prefix = found[1]
	}
	return n
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
	n.prefix = strings.ReplaceAll(n.word, "-", "_") + "_"
	for _, part := range strings.Split(n.word, "-") {
		n.title = strings.TrimSpace(n.title + " " + strings.ToUpper(part[:min(1, len(part))]) + part[min(1, len(part)):])
	}
	return n, nil
}

// notRenamed are the files about the origin of the project.
var notRenamed = []string{"LICENSE", changelog}

// templateCommit is a commit trailer: the last commit of the template that the fork
// includes.
const templateCommit = "Template-Commit"

// renameTree renames the project in its tracked files and commits the change. The
// first time, it also leaves out what only the template needs.
func renameTree(root, module, keep string) error {
	if keep != "" && keep != "bench" {
		return fmt.Errorf("keep=%s: only keep=bench is possible", keep)
	}
	if err := checkClean(root); err != nil {
		return err
	}
	to, err := namesOf(module)
	if err != nil {
		return err
	}
	trailer, err := renameFiles(root, to, keep)
	if err != nil {
		return err
	}
	if _, err := git(root, "add", "-A"); err != nil {
		return err
	}
	message := "Rename the project to " + to.title + "\n" + trailer
	if _, err := git(root, "commit", "-q", "-m", message); err != nil {
		return fmt.Errorf("everything is renamed and staged, but git commit failed: solve the problem, and commit with this message:\n%s\n%w", message, err)
	}
	fmt.Printf("The project is now %s, with the module %s and the program bin/%s. This is committed.\n"+
		"Next: make test, then make resource name=task fields=\"title:string:required\"\n"+
		"docs/extending.md shows the rest.\n", to.title, to.module, to.word)
	return nil
}

// renameFiles changes the files. trailer is for the message of the commit.
func renameFiles(root string, to names, keep string) (trailer string, err error) {
	if !isTemplate(root) {
		return "", renameAgain(root, to)
	}
	from, err := git(root, "rev-parse", "HEAD")
	if err == nil {
		err = leaveOut(root, keep)
	}
	if err == nil {
		err = rewrite(root, to)
	}
	return "\n" + templateCommit + ": " + from, err
}

// rewrite replaces the template's names by others in every tracked file. It replaces
// every occurrence, because nothing else has the template's name.
func rewrite(root string, to names) error {
	old, err := modulePath(root)
	if err != nil {
		return err
	}
	from, err := namesOf(old)
	if err != nil {
		return err
	}
	keys, err := os.ReadFile(filepath.Join(root, keysFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	from = from.withPrefix(string(keys))
	if from.module == to.module {
		to.prefix = from.prefix
	}
	return rewriteFiles(root, func(file string, text []byte) (string, []byte) {
		return from.replace(file, to), to.ownImports([]byte(from.replace(string(text), to)), to.module)
	})
}

// replace replaces the names in a text.
func (n names) replace(text string, to names) string {
	words := map[string]string{
		n.module: to.module, n.word: to.word, n.title: to.title,
		strings.ToUpper(n.word): strings.ToUpper(to.word),
		n.prefix:                to.prefix,
	}
	pattern := regexp.QuoteMeta(kitModule) + `\b|` + regexp.QuoteMeta(n.module) + `\b|\b(` + alternatives([]string{n.word, n.title, strings.ToUpper(n.word)}) + `)\b`
	if n.prefix != "" {
		pattern += `|\b` + regexp.QuoteMeta(n.prefix)
	}
	return regexp.MustCompile(pattern).ReplaceAllStringFunc(text, func(word string) string { return cmp.Or(words[word], word) })
}

// rewriteFiles changes the names and the texts of all files, except those of kit/.
func rewriteFiles(root string, change func(file string, text []byte) (string, []byte)) error {
	files, err := git(root, "ls-files", "-zco", "--exclude-standard", "--", ".", ":!kit")
	if err != nil {
		return err
	}
	for _, file := range strings.Split(strings.Trim(files, "\x00"), "\x00") {
		if err := rewriteFile(root, file, change); err != nil {
			return err
		}
	}
	return nil
}

func rewriteFile(root, file string, change func(file string, text []byte) (string, []byte)) error {
	at := filepath.Join(root, file)
	info, err := os.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() || slices.Contains(notRenamed, file) {
		return nil
	}
	before, readErr := os.ReadFile(at)
	if err := errors.Join(err, readErr); err != nil || bytes.ContainsRune(before, 0) {
		return err
	}
	newName, after := change(file, before)
	if path.Ext(file) == ".go" && !bytes.Equal(before, after) {
		if after, err = format.Source(after); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	if !bytes.Equal(before, after) {
		if err := os.WriteFile(at, after, info.Mode().Perm()); err != nil {
			return err
		}
	}
	if newName != file {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, newName)), 0o755); err != nil {
			return err
		}
		return os.Rename(at, filepath.Join(root, newName))
	}
	return nil
}
