package main

import (
	"cmp"
	"regexp"
	"strings"

	"golang.org/x/mod/modfile"
)

// renameAgain renames a fork. Its name may be an ordinary word, such as app, so it
// replaces the name only in the lines in which the template has its own, and
// elsewhere only the module path.
func renameAgain(root string, to names) {
	from := namesOf(modulePath(root))
	known, path := knownLines(root, from, to), regexp.MustCompile(`\b`+regexp.QuoteMeta(from.module)+`([^\w-]|$)`)
	rewriteFiles(root, func(file string, text []byte) (string, []byte) {
		lines := strings.SplitAfter(string(text), "\n")
		for i, line := range lines {
			old := strings.TrimSpace(line)
			if renamed, ok := known[file+"\n"+old]; ok {
				lines[i] = strings.Replace(line, old, renamed, 1)
			} else {
				lines[i] = path.ReplaceAllString(line, to.module+"$1")
			}
		}
		return cmp.Or(known[file], file), []byte(strings.Join(lines, ""))
	})
}

// knownLines returns the files and the lines in which the template has its name, as they
// become. They are found by what they are in the fork: a name, or a name and a line.
func knownLines(root string, from, to names) map[string]string {
	for _, commit := range templateCommits(root) {
		text, err := git(root, "show", commit+":./go.mod")
		if err != nil {
			continue // it is not in this repository
		}
		template, known := namesOf(modfile.ModulePath([]byte(text))), map[string]string{}
		for _, line := range lines(must(git(root, "grep", "-IzF", "-e", template.word, "-e", template.title, "-e", template.prefix, commit))) {
			file, text, _ := strings.Cut(strings.TrimPrefix(line, commit+":"), "\x00")
			name, text := template.replace(file, from), strings.TrimSpace(text)
			known[name], known[name+"\n"+template.replace(text, from)] = template.replace(file, to), template.replace(text, to)
		}
		return known
	}
	fail("this repository has no commit of the template, so the lines with the name are not known: run make update-template first")
	return nil
}

// templateCommits returns the commits of the template that a fork has included, the
// newest first.
func templateCommits(root string) []string {
	log := []string{"log", "--format=%(trailers:key=" + templateCommit + ",valueonly,separator=%x0A)"}
	if subfolder(root) != "" { // not the commits of another fork in the same repository
		log = append(log, "--", ".")
	}
	return strings.Fields(must(git(root, log...)))
}
