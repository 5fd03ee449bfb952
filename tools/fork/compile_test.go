package main

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// importFunc finds the package of an import.
type importFunc func(path string) (*types.Package, error)

func (find importFunc) Import(path string) (*types.Package, error) { return find(path) }

// compiles checks the types of all packages of a module and of their tests, and the files
// that they embed. It finds what a compiler refuses in a tenth of the time. exported has the
// packages of other modules.
func compiles(t *testing.T, root string, exported map[string]string) {
	t.Helper()
	const mode = packages.NeedName | packages.NeedFiles | packages.NeedEmbedFiles | packages.NeedImports | packages.NeedDeps | packages.NeedModule
	loaded, err := packages.Load(&packages.Config{Mode: mode, Dir: root, Tests: true}, "./...")
	if err != nil || len(loaded) == 0 {
		t.Fatal(len(loaded), err)
	}
	positions := token.NewFileSet()
	others := importer.ForCompiler(positions, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exported[path]) })
	checked := map[*packages.Package]*types.Package{}
	var check func(p *packages.Package) *types.Package
	check = func(p *packages.Package) *types.Package {
		if checked[p] != nil {
			return checked[p]
		}
		for _, err := range p.Errors {
			t.Error(err)
		}
		var files []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(positions, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		find := func(path string) (*types.Package, error) {
			if of := p.Imports[path]; of != nil && of.Module != nil && (of.Module.Main || of.Module.Replace != nil) {
				return check(of), nil
			}
			return others.Import(path)
		}
		config := types.Config{Importer: importFunc(find), Error: func(err error) { t.Error(err) }}
		checked[p], _ = config.Check(p.PkgPath, positions, files, nil)
		return checked[p]
	}
	for _, p := range loaded {
		if !strings.HasSuffix(p.ID, ".test") { // which go test writes
			check(p)
		}
	}
}

// exports returns the files of the build cache with the types of all packages that a
// module of the project imports.
func exports(t *testing.T, module string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for line := range strings.SplitSeq(run(t, filepath.Join("../..", module), "go", "list", "-export", "-deps", "-test", "-f", "{{.ImportPath}} {{.Export}}", "./..."), "\n") {
		path, file, _ := strings.Cut(line, " ")
		files[path] = file
	}
	return files
}
