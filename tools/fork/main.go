// Command fork renames, extends and updates a fork of the template. Its arguments
// are environment variables, which make sets.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

func main() {
	root, err := filepath.Abs("..")
	if err == nil {
		err = fork(root, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fork(root string, args []string) error {
	commands := map[string]func(string) error{
		"resource": func(root string) error {
			return addResource(root, os.Getenv("name"), os.Getenv("access"), os.Getenv("fields"))
		},
		"remove":    func(root string) error { return remove(root, os.Getenv("name")) },
		"migration": func(root string) error { return addMigration(root, os.Getenv("name")) },
		"own":       func(root string) error { return own(root, os.Getenv("package")) },
		"rename":    func(root string) error { return renameTree(root, os.Getenv("module"), os.Getenv("keep")) },
		"update":    func(root string) error { return update(root, os.Getenv("upstream"), os.Getenv("base")) },
	}
	if len(args) != 1 || commands[args[0]] == nil {
		return errors.New("use make resource, migration, remove, rename, own or update-template")
	}
	return commands[args[0]](root)
}

// kitModule is the module in the folder kit/, which no fork renames.
const kitModule = "example.com/latchkey/kit"

// modulePath reads the module path of a source tree.
func modulePath(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	return modfile.ModulePath(text), nil
}

// git runs git in a tree and returns its output.
func git(root string, args ...string) (string, error) {
	command := exec.CommandContext(context.Background(), "git", args...)
	command.Dir = root
	out, err := command.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("git %s: %s", strings.Join(args, " "), strings.TrimSpace(string(failed.Stderr)))
	}
	return strings.TrimSpace(string(out)), err
}

// checkClean refuses a tree with uncommitted changes, because the commit that
// follows would include them.
func checkClean(root string) error {
	changed, err := git(root, "status", "--porcelain")
	if err != nil {
		return fmt.Errorf("%w\nThis needs a git repository: git init && git add -A && git commit -m 'Begin'", err)
	}
	if changed != "" {
		return fmt.Errorf("commit or stash your changes first:\n%s", changed)
	}
	return nil
}
