package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

const remote = "template"

const conflictMessage = `you and the template both changed:
%s
Git has marked both versions in these files. Keep the right lines. For
docs/openapi.json, keep either version and run make openapi. Then run

  make test && git add -A && git cherry-pick --continue

To cancel the update, run git cherry-pick --abort`

// update merges the template's changes since the last update as one commit, with
// the names of the fork. upstream is the template's URL, needed only the first time.
// base is the template's commit that the fork started from, needed only if update
// cannot find it.
func update(root, upstream, base string) error {
	if err := checkClean(root); err != nil {
		return err
	}
	to, err := fetch(root, upstream)
	if err != nil {
		return err
	}
	from, err := templateBase(root, to, base)
	if err != nil {
		return err
	}
	if from == to {
		fmt.Println("The template has no new changes.")
		return nil
	}
	module, err := modulePath(root)
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
	// A cherry-pick is a merge with the old template as its base.
	if _, err := git(root, "cherry-pick", "--allow-empty", "--keep-redundant-commits", change); err != nil {
		files, _ := git(root, "diff", "--name-only", "--diff-filter=U")
		if files == "" {
			return err
		}
		return fmt.Errorf(conflictMessage, "  "+strings.ReplaceAll(files, "\n", "\n  "))
	}
	fmt.Printf("The template's changes are merged as one commit:\n%s\nCheck it with make test lint.\n", subjects)
	return nil
}

// fetch returns the newest commit of the template.
func fetch(root, upstream string) (string, error) {
	known, err := git(root, "remote", "get-url", remote)
	switch {
	case err != nil && upstream == "":
		return "", errors.New("the first update needs the template's URL: make update-template upstream=URL")
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

// templateBase returns the last commit of the template that the fork includes. It is
// the commit of the last trailer, or else the last common commit, or else the commit
// with the same files as the first commit of the fork.
func templateBase(root, to, base string) (string, error) {
	if base != "" {
		return git(root, "rev-parse", "--verify", base+"^{commit}")
	}
	commits, err := templateCommits(root)
	if err != nil {
		return "", err
	}
	if len(commits) > 0 {
		last := commits[0]
		if _, err := git(root, "merge-base", "--is-ancestor", last, to); err == nil {
			return last, nil
		}
		if match := commitWithSameFiles(root, last, to); match != "" {
			return match, nil
		}
	}
	if shared, err := git(root, "merge-base", "HEAD", to); err == nil {
		return shared, nil
	}
	first, err := git(root, "rev-list", "--max-parents=0", "-1", "HEAD")
	if match := commitWithSameFiles(root, first, to); err == nil && match != "" {
		return match, nil
	}
	return "", errors.Join(err, errors.New("cannot find the commit of the template that this fork started from: make update-template base=COMMIT"))
}

// commitWithSameFiles finds a commit with the same files in the history of another
// commit, because a fork may have started without the template's history.
func commitWithSameFiles(root, commit, in string) string {
	tree, treeErr := git(root, "rev-parse", commit+"^{tree}")
	history, err := git(root, "log", "--format=%T %H", in)
	if errors.Join(treeErr, err) != nil {
		return ""
	}
	for _, line := range strings.Split(history, "\n") {
		if match, same := strings.CutPrefix(line, tree+" "); same {
			return match
		}
	}
	return ""
}

// renamed returns the tree of a commit of the template with the names of the fork, and
// without what make rename leaves out. The benchmark stays if the fork has it.
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
	if module, err := modulePath(folder); err != nil {
		return "", err
	} else if module != to.module {
		keep, _ := git(root, "ls-tree", "--name-only", "HEAD", "bench")
		if err := errors.Join(leaveOut(folder, keep), rewrite(folder, to)); err != nil {
			return "", err
		}
	}
	if _, err := git(folder, "add", "-A"); err != nil {
		return "", err
	}
	return git(folder, "write-tree")
}
