package main

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/mod/modfile"
)

// renameAgain renames a fork. Its name may be an ordinary word, such as app, so it
// replaces the name only in the lines in which the template has its own, and
// elsewhere only the module path.
func renameAgain(root string, to names) error {
	module, err := modulePath(root)
	if err != nil {
		return err
	}
	from, err := namesOf(module)
	if err != nil {
		return err
	}
	known, err := knownLines(root, from, to)
	if err != nil {
		return err
	}
	path := regexp.MustCompile(`\b` + regexp.QuoteMeta(from.module) + `([^\w-]|$)`)
	return rewriteFiles(root, func(file string, text []byte) (string, []byte) {
		lines := strings.SplitAfter(string(text), "\n")
		for i, line := range lines {
			old := strings.TrimSpace(line)
			if renamed, ok := known[file].lines[old]; ok {
				lines[i] = strings.Replace(line, old, renamed, 1)
			} else {
				lines[i] = path.ReplaceAllString(line, to.module+"$1")
			}
		}
		if known[file].name != "" {
			file = known[file].name
		}
		return file, []byte(strings.Join(lines, ""))
	})
}

// knownFile has what a file of the template is under another name.
type knownFile struct {
	name  string
	lines map[string]string
}

// knownLines returns the lines in which the template has its name, as they are in the
// fork, and as they become.
func knownLines(root string, from, to names) (map[string]knownFile, error) {
	commits, err := templateCommits(root)
	if err != nil {
		return nil, err
	}
	for _, commit := range commits {
		text, err := git(root, "show", commit+":./go.mod")
		if err != nil {
			continue // it is not in this repository
		}
		template, err := namesOf(modfile.ModulePath([]byte(text)))
		if err != nil {
			return nil, err
		}
		keys, _ := git(root, "show", commit+":./"+keysFile) // there may be none
		template = template.withPrefix(keys)
		patterns := []string{"grep", "-IzF", "-e", template.word, "-e", template.title}
		if template.prefix != "" {
			patterns = append(patterns, "-e", template.prefix)
		}
		found, err := git(root, append(patterns, commit)...)
		if err != nil {
			return nil, err
		}
		known := map[string]knownFile{}
		for line := range strings.SplitSeq(found, "\n") {
			file, text, _ := strings.Cut(strings.TrimPrefix(line, commit+":"), "\x00")
			name := template.replace(file, from)
			if known[name].lines == nil {
				known[name] = knownFile{template.replace(file, to), map[string]string{}}
			}
			text = strings.TrimSpace(text)
			known[name].lines[template.replace(text, from)] = template.replace(text, to)
		}
		return known, nil
	}
	return nil, fmt.Errorf("this repository has no commit of the template, so the lines with the name are not known: run make update-template first")
}

// templateCommits returns the commits of the template that a fork has included, the
// newest first.
func templateCommits(root string) ([]string, error) {
	log := []string{"log", "--format=%(trailers:key=" + templateCommit + ",valueonly,separator=%x0A)"}
	if folder, err := subfolder(root); err != nil {
		return nil, err
	} else if folder != "" { // not the commits of another fork in the same repository
		log = append(log, "--", ".")
	}
	trailers, err := git(root, log...)
	return strings.Fields(trailers), err
}
