package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/format"
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

func namesOf(path string) (n names) {
	if err := module.CheckPath(path); err != nil {
		fail("module=%s: use a Go module path, such as module=github.com/me/shop (%w)", path, err)
	}
	n.module = path
	prefix, _, _ := module.SplitPathVersion(path)
	n.word = strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(prefix[strings.LastIndex(prefix, "/")+1:]))
	refuse(!regexp.MustCompile(`^[a-z][a-z0-9-]*$`).MatchString(n.word), "module=%s: the last part is the name of the program and must begin with a letter", path)
	if n.prefix = strings.ReplaceAll(n.word, "-", "_") + "_"; path+"/kit" == kitModule {
		n.prefix = "lk" + "_" // in two words, which make rename does not know
	}
	for part := range strings.SplitSeq(n.word, "-") {
		n.title = strings.TrimSpace(n.title + " " + strings.ToUpper(part[:min(1, len(part))]) + part[min(1, len(part)):])
	}
	return n
}

// notRenamed are the files about the origin of the project.
var notRenamed = []string{"LICENSE", changelog}

// templateCommit is a commit trailer: the last commit of the template that the fork
// includes.
const templateCommit = "Template-Commit"

// rename renames the project in its tracked files and commits the change. The first time,
// it also leaves out what only the template needs, and the parts that are not wanted.
func rename(root, module, keep, without, only string) {
	checkClean(root)
	to := namesOf(module)
	message := "Rename the project to " + to.title + "\n"
	if isTemplate(root) {
		message += "\n" + templateCommit + ": " + must(git(root, "rev-parse", "HEAD"))
		begin(root, to, keep, unwanted(root, without, only))
	} else {
		refuse(without+only != "", "the project has its name already: remove parts with make remove")
		renameAgain(root, to)
	}
	must(git(root, "add", "-A"))
	if _, err := git(root, "commit", "-q", "-m", message); err != nil {
		fail("everything is renamed and staged, but git commit failed: solve the problem, and commit with this message:\n%s\n%w", message, err)
	}
	fmt.Printf("The project is now %s, with the module %s and the program bin/%s. This is committed.\n"+
		"Next: make test, then make resource name=task fields=\"title:string:required\"\n"+
		"docs/extending.md shows the rest.\n", to.title, to.module, to.word)
}

// unwanted returns the parts that are left out: those of without, or all but those of only.
func unwanted(root, without, only string) []string {
	names := strings.Fields(without)
	if kept := strings.Fields(only); len(kept) > 0 {
		refuse(len(names) > 0, "use without=%q or only=%q: both at once contradict each other", without, only)
		names = slices.DeleteFunc(partsOf(root), func(name string) bool { return slices.Contains(kept, name) })
		checkNames(root, slices.DeleteFunc(kept, func(name string) bool { return name == ownPart })...)
	}
	checkNames(root, names...)
	return names
}

// begin makes the template the project of a fork.
func begin(root string, to names, keep string, without []string) {
	gone := leaveOut(root, keep, without...)
	if len(without) > 0 && keep != "" {
		if err := gone.verify(root); err != nil {
			fail("keep=%q: what it keeps needs a part that you leave out\n%w", keep, err)
		}
	}
	gone.apply(root)
	rewrite(root, to)
	if len(without) > 0 {
		refresh(root)
	}
}

// leaveOut returns the changes that remove what only the template needs: its own tests, its
// changelog and, unless keep names them, its long tests and its benchmark.
func leaveOut(root, keep string, without ...string) changes {
	names := append([]string{"template", "tests", "bench"}, without...)
	for _, name := range strings.Fields(keep) {
		refuse(name != "tests" && name != "bench", "keep=%s: only tests and bench can be kept", name)
		names = slices.DeleteFunc(names, func(leaving string) bool { return leaving == name })
	}
	gone := removal(root, names...)
	gone[changelog] = []byte(newChangelog)
	return gone
}

// rewrite replaces the template's names by others in every tracked file. It replaces
// every occurrence, because nothing else has the template's name.
func rewrite(root string, to names) {
	from := namesOf(modulePath(root))
	rewriteFiles(root, func(file string, text []byte) (string, []byte) {
		return from.replace(file, to), to.ownImports([]byte(from.replace(string(text), to)), to.module)
	})
}

// replace replaces the names in a text.
func (n names) replace(text string, to names) string {
	words := map[string]string{
		n.module: to.module, n.word: to.word, n.title: to.title, strings.ToUpper(n.word): strings.ToUpper(to.word), n.prefix: to.prefix,
	}
	pattern := regexp.QuoteMeta(kitModule) + `\b|` + regexp.QuoteMeta(n.module) + `\b|\b(` + alternatives([]string{n.word, n.title, strings.ToUpper(n.word)}) + `)\b|\b` + regexp.QuoteMeta(n.prefix)
	return regexp.MustCompile(pattern).ReplaceAllStringFunc(text, func(word string) string { return cmp.Or(words[word], word) })
}

// rewriteFiles changes the names and the texts of all files, except those of kit/.
func rewriteFiles(root string, change func(file string, text []byte) (string, []byte)) {
	all := changes{}
	for _, file := range list(root, ".", ":!kit") {
		info := must(os.Lstat(filepath.Join(root, file)))
		if !info.Mode().IsRegular() || slices.Contains(notRenamed, file) {
			continue
		}
		before := read(root, file)
		if bytes.ContainsRune(before, 0) {
			continue
		}
		name, after := change(file, before)
		if path.Ext(file) == ".go" && !bytes.Equal(before, after) {
			formatted, err := format.Source(after)
			refuse(err != nil, "%s: %w", file, err)
			after = formatted
		}
		if name != file {
			all[file] = nil
		}
		all.set(root, name, after)
	}
	all.apply(root)
}
