package main

import (
	"regexp"
	"strings"
)

const kitMessage = `you changed files of kit/, which an update replaces as a whole:
  %s
To keep a change, make the package yours with make own package=NAME. Then put the kit
back and update again:

  git restore --source=%s --staged --worktree kit && git commit -m 'Put the kit back'`

// checkKit refuses an update of a fork whose kit is not that of the template before. A fork
// without the folder imports the kit from elsewhere.
func checkKit(root, from, before string) {
	was, now := treeOf(root, before+":kit"), treeOf(root, "HEAD:./kit")
	if was == "" || now == "" || was == now {
		return
	}
	files := must(git(root, "diff", "--no-relative", "--name-only", was, now))
	for _, commit := range lines(must(git(root, "rev-list", "HEAD", "--", "kit"))) { // of the fork, whose kit is in the same folder
		if treeOf(root, commit+":./kit") == was {
			from = commit
			break
		}
	}
	fail(kitMessage, "kit/"+strings.ReplaceAll(files, "\n", "\n  kit/"), from)
}

// treeOf returns the id of a folder in a commit, or "".
func treeOf(root, folder string) string {
	id, _ := git(root, "rev-parse", "-q", "--verify", folder)
	return id
}

var version = regexp.MustCompile(`(?m)^## .*$`)

// kitEntries returns what the changelog of the kit has in a tree, and not in the one before.
// Its newest version is first.
func kitEntries(root, before, after string) string {
	old, _ := git(root, "show", before+":kit/CHANGELOG.md") // there may be none
	text, _ := git(root, "show", after+":kit/CHANGELOG.md")
	first := version.FindStringIndex(text)
	if first == nil {
		return ""
	}
	text = "\n" + text[first[0]:] + "\n"
	if last := version.FindString(old); last != "" {
		text, _, _ = strings.Cut(text, "\n"+last+"\n")
	}
	return strings.TrimSpace(text)
}
