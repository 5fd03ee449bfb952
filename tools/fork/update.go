package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const remote = "template"

const conflictMessage = `you and the template both changed:
%s
Git has marked both versions in these files. Keep the right lines. A file without
marks was removed by the template: git rm it, unless you need it. For
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
	names.owned = ownedPackages(root)
	before, _, err := renamed(root, from, names, "")
	if err != nil {
		return err
	}
	if err := checkKit(root, from, before); err != nil {
		return err
	}
	after, removed, err := renamed(root, to, names, before)
	if err != nil {
		return err
	}
	if len(removed) > 0 {
		fmt.Printf("You removed these files, or their folders, so the template's changes of them are left out:\n  %s\n", strings.Join(removed, "\n  "))
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
	err = merge(root, change)
	if entries := kitEntries(root, before, after); entries != "" {
		fmt.Printf("The kit has changed:\n\n%s\n\n", entries)
	}
	if err != nil {
		return err
	}
	fmt.Printf("The template's changes are merged as one commit:\n%s\nCheck it with make test lint.\n", subjects)
	return nil
}

// merge merges the change of a commit of the template. A cherry-pick is a merge with the
// old template as its base.
func merge(root, change string) error {
	pick := []string{"cherry-pick", "--allow-empty", "--keep-redundant-commits", change}
	if folder, err := subfolder(root); err != nil {
		return err
	} else if folder != "" {
		pick = append(pick, "-Xsubtree="+folder)
	}
	if _, err := git(root, pick...); err != nil {
		files, _ := git(root, "diff", "--name-only", "--diff-filter=U")
		if files == "" {
			return err
		}
		return fmt.Errorf(conflictMessage, "  "+strings.ReplaceAll(files, "\n", "\n  "))
	}
	return nil
}

// subfolder returns the folder of the project in its repository, or "" for the root.
func subfolder(root string) (string, error) {
	prefix, err := git(root, "rev-parse", "--show-prefix")
	return strings.TrimSuffix(prefix, "/"), err
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
	history, err := git(root, "rev-list", "--reverse", "HEAD", "--", ".")
	first, _, _ := strings.Cut(history, "\n")
	if match := commitWithSameFiles(root, first, to); err == nil && match != "" {
		return match, nil
	}
	return "", errors.Join(err, errors.New("cannot find the commit of the template that this fork started from: make update-template base=COMMIT"))
}

// commitWithSameFiles finds a commit with the same files in the history of another
// commit, because a fork may have started without the template's history. ./ is the
// folder of the project.
func commitWithSameFiles(root, commit, in string) string {
	tree, treeErr := git(root, "rev-parse", commit+":./")
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
// without what make rename leaves out. The benchmark stays if the fork has it. With the
// tree of an earlier commit, files and folders that the fork removed since then stay
// out, and those that differ are returned.
func renamed(root, commit string, to names, earlier string) (tree string, removed []string, err error) {
	folder, err := os.MkdirTemp("", "template-")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(folder)
	if _, err := git(root, "worktree", "add", "-q", "--detach", folder, commit); err != nil {
		return "", nil, err
	}
	defer func() {
		_, removeErr := git(root, "worktree", "remove", "--force", folder)
		err = errors.Join(err, removeErr)
	}()
	module, err := modulePath(folder)
	if err == nil && module != to.module {
		keep, _ := git(root, "ls-tree", "--name-only", "HEAD", "bench")
		err = leaveOut(folder, keep)
	}
	if err := errors.Join(err, rewrite(folder, to)); err != nil {
		return "", nil, err
	}
	if _, err = git(folder, "add", "-A"); err == nil && earlier != "" {
		removed, err = keepOut(root, folder, earlier)
	}
	if err != nil {
		return "", nil, err
	}
	tree, err = git(folder, "write-tree")
	return tree, removed, err
}

// keepOut takes the changes since the earlier tree of files that the fork removed, and new
// files in folders that it removed, out of the index of a worktree.
func keepOut(root, worktree, earlier string) (files []string, err error) {
	lost, lostErr := git(root, "diff", "--no-relative", "--find-renames", "--diff-filter=D", "--name-only", earlier, "HEAD:./")
	changed, err := git(worktree, "diff", "--cached", "--find-renames", "--diff-filter=AMRT", "--name-status", earlier)
	if err := errors.Join(lostErr, err); err != nil || lost == "" || changed == "" {
		return nil, err
	}
	removed := map[string]bool{} // files, and the folders of which nothing is left
	for file := range strings.SplitSeq(lost, "\n") {
		removed[file] = true
		for folder := path.Dir(file); ; folder = path.Dir(folder) {
			if _, err := os.Stat(filepath.Join(root, folder)); !errors.Is(err, fs.ErrNotExist) {
				break
			}
			removed[folder] = true
		}
	}
	for line := range strings.SplitSeq(changed, "\n") {
		names := strings.Split(line, "\t") // the kind of change, the name, and the new name
		file := names[len(names)-1]
		out := removed[names[1]]
		for folder := path.Dir(file); folder != "." && !out; folder = path.Dir(folder) {
			out = removed[folder]
		}
		if out {
			files = append(files, file)
		}
	}
	if len(files) > 0 {
		_, err = git(worktree, append([]string{"rm", "-q", "--cached", "--"}, files...)...)
	}
	return files, err
}
