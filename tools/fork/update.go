package main

import (
	"fmt"
	"os"
	"path"
	"slices"
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
func update(root, upstream, base string) {
	checkClean(root)
	to := fetch(root, upstream)
	from := templateBase(root, to, base)
	if from == to {
		fmt.Println("The template has no new changes.")
		return
	}
	names := namesOf(modulePath(root))
	names.owned = ownedPackages(root)
	before, _ := renamed(root, from, names, "")
	checkKit(root, from, before)
	after, removed := renamed(root, to, names, before)
	if len(removed) > 0 {
		fmt.Printf("You removed these files, or their folders, so the template's changes of them are left out:\n  %s\n", strings.Join(removed, "\n  "))
	}
	subjects := must(git(root, "log", "--reverse", "--format=- %s", from+".."+to))
	start := must(git(root, "commit-tree", before, "-m", "The template before"))
	change := must(git(root, "commit-tree", after, "-p", start, "-m", "Take the template's changes", "-m", subjects, "-m", templateCommit+": "+to))
	err := merge(root, change)
	if entries := kitEntries(root, before, after); entries != "" {
		fmt.Printf("The kit has changed:\n\n%s\n\n", entries)
	}
	check(err)
	fmt.Printf("The template's changes are merged as one commit:\n%s\nCheck it with make test lint.\n", subjects)
}

// merge merges the change of a commit of the template. A cherry-pick is a merge with the
// old template as its base.
func merge(root, change string) error {
	pick := []string{"cherry-pick", "--allow-empty", "--keep-redundant-commits", change}
	if folder := subfolder(root); folder != "" {
		pick = append(pick, "-Xsubtree="+folder)
	}
	_, err := git(root, pick...)
	if files, _ := git(root, "diff", "--name-only", "--diff-filter=U"); err != nil && files != "" {
		err = fmt.Errorf(conflictMessage, "  "+strings.ReplaceAll(files, "\n", "\n  "))
	}
	return err
}

// subfolder returns the folder of the project in its repository, or "" for the root.
func subfolder(root string) string {
	return strings.TrimSuffix(must(git(root, "rev-parse", "--show-prefix")), "/")
}

// fetch returns the newest commit of the template.
func fetch(root, upstream string) string {
	known, err := git(root, "remote", "get-url", remote)
	switch {
	case err != nil && upstream == "":
		fail("the first update needs the template's URL: make update-template upstream=URL")
	case err != nil:
		must(git(root, "remote", "add", remote, upstream))
	case upstream != "" && upstream != known:
		must(git(root, "remote", "set-url", remote, upstream))
	}
	must(git(root, "fetch", "-q", "--no-tags", remote, "HEAD"))
	return must(git(root, "rev-parse", "FETCH_HEAD"))
}

// templateBase returns the last commit of the template that the fork includes. It is
// the commit of the last trailer, or else the last common commit, or else the first commit
// of the fork, or one with the same files.
func templateBase(root, to, base string) string {
	if base != "" {
		return must(git(root, "rev-parse", "--verify", base+"^{commit}"))
	}
	shared, _ := git(root, "merge-base", "HEAD", to) // there may be none
	first, _, _ := strings.Cut(must(git(root, "rev-list", "--reverse", "HEAD", "--", ".")), "\n")
	for _, commit := range append(templateCommits(root), strings.Fields(shared+" "+first)...) {
		if _, err := git(root, "merge-base", "--is-ancestor", commit, to); err == nil {
			return commit
		}
		if match := commitWithSameFiles(root, commit, to); match != "" {
			return match
		}
	}
	fail("cannot find the commit of the template that this fork started from: make update-template base=COMMIT")
	return ""
}

// commitWithSameFiles finds a commit with the same files in the history of another
// commit, because a fork may have started without the template's history. ./ is the
// folder of the project.
func commitWithSameFiles(root, commit, in string) string {
	tree := treeOf(root, commit+":./")
	for _, line := range lines(must(git(root, "log", "--format=%T %H", in))) {
		if match, same := strings.CutPrefix(line, tree+" "); same && tree != "" {
			return match
		}
	}
	return ""
}

// renamed returns the tree of a commit of the template with the names of the fork, and
// without what make rename leaves out, unless the fork has it. With the tree of an earlier
// commit, files and folders that the fork removed since then stay out, and those that
// differ are returned.
func renamed(root, commit string, to names, earlier string) (tree string, removed []string) {
	folder := must(os.MkdirTemp("", "template-"))
	defer os.RemoveAll(folder)
	must(git(root, "worktree", "add", "-q", "--detach", folder, commit))
	defer func() { must(git(root, "worktree", "remove", "--force", folder)) }()
	if modulePath(folder) != to.module && isTemplate(folder) {
		leaveOut(folder, must(git(root, "ls-tree", "--name-only", "HEAD", "bench", "tests"))).apply(folder)
	}
	rewrite(folder, to)
	must(git(folder, "add", "-A"))
	if earlier != "" {
		removed = keepOut(root, folder, earlier)
	}
	return must(git(folder, "write-tree")), removed
}

// keepOut takes the changes since the earlier tree of files that the fork removed, and new
// files in folders that it removed, out of the index of a worktree.
func keepOut(root, worktree, earlier string) (files []string) {
	var gone []string // files, and the folders of which nothing is left
	for _, file := range lines(must(git(root, "diff", "--no-relative", "--find-renames", "--diff-filter=D", "--name-only", earlier, "HEAD:./"))) {
		for ; file != "." && !exists(root, file); file = path.Dir(file) {
			gone = append(gone, file)
		}
	}
	for _, line := range lines(must(git(worktree, "diff", "--cached", "--find-renames", "--diff-filter=AMRT", "--name-status", earlier))) {
		names := strings.Split(line, "\t") // the kind of change, the name, and the new name
		file := names[len(names)-1]
		if slices.ContainsFunc(gone, func(lost string) bool { return names[1] == lost || strings.HasPrefix(file, lost+"/") }) {
			files = append(files, file)
		}
	}
	if len(files) > 0 {
		must(git(worktree, append([]string{"rm", "-q", "--cached", "--"}, files...)...))
	}
	return files
}
