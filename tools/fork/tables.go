package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/ast/astutil"
	"golang.org/x/tools/imports"
)

// declarations are the names of a file's package scope.
func declarations(file *ast.File) (names []string) {
	for _, declaration := range file.Decls {
		switch is := declaration.(type) {
		case *ast.FuncDecl:
			if is.Recv == nil {
				names = append(names, is.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range is.Specs {
				switch is := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, is.Name.Name)
				case *ast.ValueSpec:
					for _, name := range is.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// addToTable returns a file with lines in the list of its func own, and with imports.
func addToTable(root, file, setup, lines string, packages ...string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(root, file))
	if err == nil {
		source, err = addLines(source, setup, lines)
	}
	if err == nil {
		source, err = fixImports(root, file, source, packages...)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return source, err
}

// addLines adds lines to the end of the first list in func own, and a statement
// before it. It skips those that are there already.
func addLines(source []byte, setup, lines string) ([]byte, error) {
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, declaration := range file.Decls {
		is, ok := declaration.(*ast.FuncDecl)
		if !ok || is.Name.Name != "own" {
			continue
		}
		position, list := firstList(is.Body.List)
		if list == nil {
			break
		}
		offset, entries := positions.Position(list.Rbrace).Offset, missing(source, lines)
		if len(list.Elts) == 0 {
			entries = "\n" + strings.TrimLeft(entries, "\n")
		}
		added := slices.Concat(source[:offset], []byte(entries), source[offset:])
		if setup != "" && !bytes.Contains(source, []byte("\t"+setup)) {
			offset, setup = positions.Position(is.Body.List[position].Pos()).Offset, setup+"\n\n"
			if position > 0 {
				offset, setup = positions.Position(is.Body.List[position-1].End()).Offset, "\n"+strings.TrimSpace(setup)
			}
			added = slices.Concat(added[:offset], []byte(setup), added[offset:])
		}
		return format.Source(added)
	}
	return nil, fmt.Errorf("func own has no list: add these lines yourself, and run this again:\n%s\n%s", setup, lines)
}

// firstList returns the first statement that returns or assigns a list, and the list.
func firstList(body []ast.Stmt) (position int, list *ast.CompositeLit) {
	for position, statement := range body {
		var values []ast.Expr
		switch statement := statement.(type) {
		case *ast.AssignStmt:
			values = statement.Rhs
		case *ast.ReturnStmt:
			values = statement.Results
		}
		for _, value := range values {
			if list, ok := value.(*ast.CompositeLit); ok && isList(list) {
				return position, list
			}
		}
	}
	return 0, nil
}

func isList(value *ast.CompositeLit) bool {
	_, ok := value.Type.(*ast.ArrayType)
	return ok
}

// missing returns the lines with a function or a migration that source does not
// name.
func missing(source []byte, lines string) string {
	var all []string
	for _, line := range strings.Split(lines, "\n") {
		if named := nameInLine.FindString(line); named != "" && !regexp.MustCompile(`\b`+regexp.QuoteMeta(named)).Match(source) {
			all = append(all, line)
		}
	}
	if len(all) == 0 {
		return ""
	}
	if strings.HasPrefix(lines, "\n") {
		all = append([]string{""}, all...)
	}
	return strings.Join(all, "\n") + "\n"
}

var nameInLine = regexp.MustCompile(`\w+\.[A-Z]\w*\)|^\w+,$`)

// fixImports adds imports, removes unused ones, and formats the file.
func fixImports(root, file string, source []byte, packages ...string) ([]byte, error) {
	module, err := modulePath(root)
	if err != nil {
		return nil, err
	}
	positions := token.NewFileSet()
	parsed, err := parser.ParseFile(positions, file, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, path := range packages {
		astutil.AddImport(positions, parsed, path)
	}
	var out bytes.Buffer
	if err := format.Node(&out, positions, parsed); err != nil {
		return nil, err
	}
	imports.LocalPrefix = kitModule + "," + module
	return imports.Process(filepath.Join(root, file), out.Bytes(), &imports.Options{Comments: true, TabIndent: true, TabWidth: 8})
}
