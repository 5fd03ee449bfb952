package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

const remote = "template"

const inConflict = `you and the template both changed:
%s
Git has marked both sides there. Keep one, or what is right of both; of
docs/openapi.json take either, and run make openapi. Then

  make test && git add -A && git cherry-pick --continue

or go back to where you were: git cherry-pick --abort`

// update takes the template's changes since the last time, under the fork's
// own names, and merges them as one commit. Upstream is the template's URL,
// once; base is the template's commit the fork was made from, where that cannot
// be found.
func update(root, upstream, base string) error {
	if err := clean(root); err != nil {
		return err
	}
	to, err := fetch(root, upstream)
	if err != nil {
		return err
	}
	from, err := startedFrom(root, to, base)
	if err != nil {
		return err
	}
	if from == to {
		fmt.Println("All of the template's changes are in.")
		return nil
	}
	module, err := moduleOf(root)
	if err != nil {
		return err
	}
	names, err := namesOf(module)
	if err != nil {
		return err
	}
	before, err := renamed(root, from, names)
	if err != nil {
		return err
	}
	after, err := renamed(root, to, names)
	if err != nil {
		return err
	}
	subjects, err := git(root, "log", "--reverse", "--format=- %s", from+".."+to)
	if err != nil {
		return err
	}
	start, err := git(root, "commit-tree", before, "-m", "The template before")
	if err != nil {
		return err
	}
	change, err := git(root, "commit-tree", after, "-p", start, "-m", "Take the template's changes", "-m", subjects, "-m", templateCommit+": "+to)
	if err != nil {
		return err
	}
	// A pick of the change merges it, with the template before as the base.
	if _, err := git(root, "cherry-pick", "--allow-empty", "--keep-redundant-commits", change); err != nil {
		files, _ := git(root, "diff", "--name-only", "--diff-filter=U")
		if files == "" {
			return err
		}
		return fmt.Errorf(inConflict, "  "+strings.ReplaceAll(files, "\n", "\n  "))
	}
	fmt.Printf("The template's changes are in, as one commit:\n%s\nCheck it with make test lint.\n", subjects)
	return nil
}

// fetch gives the newest commit of the template.
func fetch(root, upstream string) (string, error) {
	known, err := git(root, "remote", "get-url", remote)
	switch {
	case err != nil && upstream == "":
		return "", errors.New("say where the template is, once: make update-template upstream=URL")
	case err != nil:
		_, err = git(root, "remote", "add", remote, upstream)
	case upstream != "" && upstream != known:
		_, err = git(root, "remote", "set-url", remote, upstream)
	}
	if err != nil {
		return "", err
	}
	if _, err := git(root, "fetch", "-q", "--no-tags", remote, "HEAD"); err != nil {
		return "", err
	}
	return git(root, "rev-parse", "FETCH_HEAD")
}

// startedFrom is the template's commit whose changes are all in: that of the
// last trailer, else the last that both histories share, else the one with the
// files that the fork's history begins with.
func startedFrom(root, to, base string) (string, error) {
	if base != "" {
		return git(root, "rev-parse", "--verify", base+"^{commit}")
	}
	trailers, err := git(root, "log", "--format=%(trailers:key="+templateCommit+",valueonly,separator=%x0A)")
	if err != nil {
		return "", err
	}
	if last, _, _ := strings.Cut(trailers, "\n"); last != "" {
		if _, err := git(root, "merge-base", "--is-ancestor", last, to); err == nil {
			return last, nil
		}
		if twin := sameFiles(root, last, to); twin != "" {
			return twin, nil
		}
	}
	if shared, err := git(root, "merge-base", "HEAD", to); err == nil {
		return shared, nil
	}
	first, err := git(root, "rev-list", "--max-parents=0", "-1", "HEAD")
	if twin := sameFiles(root, first, to); err == nil && twin != "" {
		return twin, nil
	}
	return "", errors.Join(err, errors.New("cannot tell which commit of the template this began as: make update-template base=COMMIT"))
}

// sameFiles is the commit, in the history of another, that holds what commit
// does: a fork may have been begun with the files and without their history.
func sameFiles(root, commit, in string) string {
	tree, treeErr := git(root, "rev-parse", commit+"^{tree}")
	history, err := git(root, "log", "--format=%T %H", in)
	if errors.Join(treeErr, err) != nil {
		return ""
	}
	for _, line := range strings.Split(history, "\n") {
		if twin, same := strings.CutPrefix(line, tree+" "); same {
			return twin
		}
	}
	return ""
}

// renamed is the tree of a commit of the template under the fork's names.
func renamed(root, commit string, to names) (tree string, err error) {
	folder, err := os.MkdirTemp("", "template-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	if _, err := git(root, "worktree", "add", "-q", "--detach", folder, commit); err != nil {
		return "", err
	}
	defer func() {
		_, removeErr := git(root, "worktree", "remove", "--force", folder)
		err = errors.Join(err, removeErr)
	}()
	if module, err := moduleOf(folder); err != nil {
		return "", err
	} else if module != to.module {
		if err := rewrite(folder, to); err != nil {
			return "", err
		}
	}
	if _, err := git(folder, "add", "-A"); err != nil {
		return "", err
	}
	return git(folder, "write-tree")
}
