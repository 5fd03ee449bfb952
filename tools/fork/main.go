// Command fork renames, extends and updates a fork of the template. Its arguments
// are environment variables, which make sets.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

func main() {
	if err := fork("..", strings.Join(os.Args[1:], " "), os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// fork runs a command.
func fork(root, command string, get func(name string) string) error {
	commands := map[string]func(){
		"resource":  func() { addResource(root, get("name"), get("access"), get("fields"), get("part")) },
		"migration": func() { addMigration(root, get("name")) },
		"remove":    func() { remove(root, get("name")) },
		"rename":    func() { rename(root, get("module"), get("keep"), get("without"), get("only")) },
		"own":       func() { own(root, get("package")) },
		"update":    func() { update(root, get("upstream"), get("base")) },
	}
	return attempt(func() {
		root = must(filepath.Abs(root))
		refuse(commands[command] == nil, "use make resource, migration, remove, rename, own or update-template")
		commands[command]()
	})
}

// failure is the panic of a step that failed. It ends the command.
type failure struct{ error }

func fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// refuse fails when a condition holds.
func refuse(when bool, format string, args ...any) {
	if when {
		fail(format, args...)
	}
}

func check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

// attempt returns the failure of a step.
func attempt(step func()) (err error) {
	defer func() {
		switch is := recover().(type) {
		case nil:
		case failure:
			err = is.error
		default:
			panic(is)
		}
	}()
	step()
	return nil
}

// kitModule is the module in the folder kit/, which no fork renames.
const kitModule = "example.com/latchkey/kit"

// modulePath reads the module path of a source tree.
func modulePath(root string) string { return modfile.ModulePath(read(root, "go.mod")) }

// execute runs a program in a folder, and returns what it prints.
func execute(folder string, args ...string) (string, error) {
	command := exec.CommandContext(context.Background(), args[0], args[1:]...)
	var failed bytes.Buffer
	command.Dir, command.Stderr = folder, &failed
	out, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(args[:2], " "), err, strings.TrimSpace(failed.String()))
	}
	return string(out), err
}

// git runs git in a tree and returns its output.
func git(root string, args ...string) (string, error) {
	out, err := execute(root, append([]string{"git"}, args...)...)
	return strings.TrimSpace(out), err
}

// checkClean refuses a tree with uncommitted changes, because the commit that
// follows would include them.
func checkClean(root string) {
	changed, err := git(root, "status", "--porcelain")
	refuse(err != nil, "%w\nThis needs a git repository: git init && git add -A && git commit -m 'Begin'", err)
	refuse(changed != "", "commit or stash your changes first:\n%s", changed)
}
