package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// entry is one of a list, an argument or a statement that names what is gone,
// nil where there is none.
func (out *removal) entry(file string, parsed *ast.File) (entry ast.Node) {
	names := out.names(file, parsed)
	var around []ast.Node
	ast.Inspect(parsed, func(node ast.Node) bool {
		if node == nil {
			around = around[:len(around)-1]
			return true
		}
		around = append(around, node)
		if word, ok := node.(*ast.BasicLit); entry == nil && (names[node] != "" || ok && file == publicRoutes && slices.Contains(out.routes, strings.Trim(word.Value, `"`))) {
			for i := len(around) - 1; i > 0 && entry == nil; i-- {
				if isEntry(around[i-1], around[i]) {
					entry = around[i]
				}
			}
		}
		return true
	})
	switch is := entry.(type) {
	case *ast.AssignStmt:
		for _, variable := range is.Lhs {
			out.lost[fmt.Sprint(variable)] = true
		}
	case ast.Expr:
		out.routes = append(out.routes, routesIn(is)...)
	}
	return entry
}

// names are the nodes of a file that name what is gone.
func (out *removal) names(file string, parsed *ast.File) map[ast.Node]string {
	names, folders := map[ast.Node]string{}, map[string]string{}
	for _, is := range parsed.Imports {
		imported := strings.Trim(is.Path.Value, `"`)
		if folder, ours := strings.CutPrefix(imported, out.module+"/"); ours {
			name := path.Base(imported)
			if is.Name != nil {
				name = is.Name.Name
			}
			folders[name] = folder
		}
	}
	for _, word := range parsed.Unresolved { // of another file, or of none
		if out.lost[word.Name] || out.gone[packageOf(file, parsed)][word.Name] {
			names[word] = word.Name
		}
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		if is, ok := node.(*ast.SelectorExpr); ok {
			if of, ok := is.X.(*ast.Ident); ok && of.Obj == nil && out.gone[folders[of.Name]][is.Sel.Name] {
				names[is] = of.Name + "." + is.Sel.Name
			}
		}
		return true
	})
	return names
}

// isEntry reports whether a node can be cut out of the one around it.
func isEntry(around, node ast.Node) bool {
	switch is := around.(type) {
	case *ast.BlockStmt:
		return true
	case *ast.CompositeLit:
		_, isList := is.Type.(*ast.ArrayType)
		_, isMap := is.Type.(*ast.MapType)
		return node != is.Type && (isList || isMap)
	case *ast.CallExpr:
		var called string
		switch of := is.Fun.(type) {
		case *ast.Ident:
			called = of.Name
		case *ast.SelectorExpr:
			called = of.Sel.Name
		}
		return node != is.Fun && slices.Contains([]string{"append", "Concat", "AddCommand"}, called)
	}
	return false
}

// routesIn are the routes that an entry makes.
func routesIn(entry ast.Expr) (routes []string) {
	ast.Inspect(entry, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok && len(call.Args) > 2 {
			method, isWord := call.Args[0].(*ast.BasicLit)
			at, isToo := call.Args[1].(*ast.BasicLit)
			if isWord && isToo {
				routes = append(routes, strings.Trim(method.Value, `"`)+" "+strings.Trim(at.Value, `"`))
			}
		}
		return true
	})
	return routes
}

var (
	lineBegins = regexp.MustCompile(`(?:^|\n)[ \t]*$`)
	lineEnds   = regexp.MustCompile(`^,?[ \t]*(//[^\n]*)?\n`)
	comma      = regexp.MustCompile(`^,[ \t]*`)
	commaLast  = regexp.MustCompile(`,\s*$`)
)

// cutText cuts an entry with its comma, and its lines where nothing else is in them.
func cutText(text []byte, from, to int) []byte {
	begin, end := lineBegins.FindIndex(text[:from]), lineEnds.FindIndex(text[to:])
	switch first, last := comma.FindIndex(text[to:]), commaLast.FindIndex(text[:from]); {
	case begin != nil && end != nil:
		from, to = begin[0]+1, to+end[1]
	case first != nil:
		to += first[1]
	case last != nil:
		from = last[0]
	}
	if bytes.HasSuffix(text[:from], []byte("{\n")) { // no block begins with an empty line
		to += len(text[to:]) - len(bytes.TrimLeft(text[to:], "\n"))
	}
	return slices.Concat(text[:from], text[to:])
}
