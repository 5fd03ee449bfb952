package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/ast/astutil"
	"golang.org/x/tools/imports"
)

// changes are the new texts of files, by their names. nil removes a file. They are all
// collected before one is written.
type changes map[string][]byte

// text is the text of a file with the changes. It is nil if the file is removed.
func (c changes) text(root, file string) []byte {
	if text, changed := c[file]; changed {
		return text
	}
	return read(root, file)
}

// set changes a file, unless it has the text already.
func (c changes) set(root, file string, text []byte) {
	if !exists(root, file) || !bytes.Equal(text, c.text(root, file)) {
		c[file] = text
	}
}

// verify compiles the program, its tests and its benchmark as they would be.
func (c changes) verify(root string) error {
	folder := must(os.MkdirTemp("", "changes-"))
	defer os.RemoveAll(folder)
	replaced, overlay := map[string]string{}, filepath.Join(folder, "overlay.json")
	for file, text := range c {
		at := filepath.Join(root, file)
		if replaced[at] = ""; text != nil {
			replaced[at] = filepath.Join(folder, fmt.Sprint(len(replaced)))
			check(os.WriteFile(replaced[at], text, 0o600))
		}
	}
	check(os.WriteFile(overlay, must(json.Marshal(map[string]any{"Replace": replaced})), 0o600))
	for _, module := range []string{"", "bench"} {
		file := filepath.Join(module, "go.mod")
		if _, gone := c[file]; gone || !exists(root, file) {
			continue
		}
		// Of all checks of go vet, which compiles tests too, one is enough.
		if _, err := execute(filepath.Join(root, module), "go", "vet", "-assign", "-overlay="+overlay, "./..."); err != nil {
			return err
		}
	}
	return nil
}

// apply writes and removes the files, and folders that became empty.
func (c changes) apply(root string) {
	for file, text := range c {
		at := filepath.Join(root, file)
		if text != nil {
			check(os.MkdirAll(filepath.Dir(at), 0o755))
			check(os.WriteFile(at, text, 0o644)) // the permissions of a file that exists stay
			continue
		}
		check(os.Remove(at))
		for folder := filepath.Dir(at); os.Remove(folder) == nil; folder = filepath.Dir(folder) {
			continue
		}
	}
}

func read(root, file string) []byte { return must(os.ReadFile(filepath.Join(root, file))) }

func exists(root, file string) bool {
	_, err := os.Lstat(filepath.Join(root, file))
	return !errors.Is(err, fs.ErrNotExist)
}

// list returns the files that match, without those that git ignores.
func list(root string, patterns ...string) (files []string) {
	all := must(git(root, append([]string{"ls-files", "-zco", "--exclude-standard", "--"}, patterns...)...))
	for _, file := range strings.FieldsFunc(all, func(r rune) bool { return r == 0 }) {
		if exists(root, file) { // it may be removed, and not committed
			files = append(files, file)
		}
	}
	return files
}

func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

// fixImports adds imports, removes unused ones, and formats the file.
func fixImports(root, file string, source []byte, packages ...string) []byte {
	positions := token.NewFileSet()
	parsed, err := parser.ParseFile(positions, file, source, parser.ParseComments)
	refuse(err != nil, "%s: %w", file, err)
	for _, path := range packages {
		astutil.AddImport(positions, parsed, path)
	}
	var out bytes.Buffer
	check(format.Node(&out, positions, parsed))
	imports.LocalPrefix = kitModule + "," + modulePath(root)
	return must(imports.Process(filepath.Join(root, file), out.Bytes(), &imports.Options{Comments: true, TabIndent: true, TabWidth: 8}))
}
