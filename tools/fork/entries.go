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

// findEntry returns a list element, a field with a tag, an argument or a statement that
// uses a removed name, or nil.
func (out *removal) findEntry(file string, parsed *ast.File) (entry ast.Node) {
	names := out.removedNames(file, parsed)
	var parents []ast.Node
	ast.Inspect(parsed, func(node ast.Node) bool {
		if node == nil {
			parents = parents[:len(parents)-1]
			return true
		}
		parents = append(parents, node)
		if word, ok := node.(*ast.BasicLit); entry == nil && (names[node] != "" || ok && file == publicRoutes && out.listed(strings.Trim(word.Value, `"`))) {
			for i := len(parents) - 1; i > 0 && entry == nil; i-- {
				if isEntry(parents[:i], parents[i]) {
					entry = parents[i]
				}
			}
		}
		return true
	})
	switch is := entry.(type) {
	case *ast.AssignStmt:
		for _, variable := range is.Lhs {
			out.lostVariables[fmt.Sprint(variable)] = true
		}
	case *ast.Field:
		for _, name := range is.Names {
			out.lostFields[name.Name] = true
			out.lostServices[name.Name] = out.lostServices[name.Name] || file == services
		}
	case ast.Expr:
		out.routes = append(out.routes, routesIn(is)...)
	}
	return entry
}

// listed reports whether a word of publicRoutes is a removed route, or a member of a removed
// type, such as Metadata.token_endpoint.
func (out *removal) listed(word string) bool {
	of, _, isMember := strings.Cut(word, ".")
	return slices.Contains(out.routes, word) || isMember && (out.removed["handlers"][of] || out.removed["accounts"][of])
}

// removedNames returns the nodes of a file that use a removed name.
func (out *removal) removedNames(file string, parsed *ast.File) map[ast.Node]string {
	names, folders := map[ast.Node]string{}, map[string]string{}
	for _, is := range parsed.Imports {
		imported := strings.Trim(is.Path.Value, `"`)
		folder, ours := strings.CutPrefix(imported, out.module+"/")
		if below, isKit := strings.CutPrefix(imported, kitModule); isKit {
			folder, ours = "kit"+below, true
		}
		if ours {
			name := path.Base(imported)
			if is.Name != nil {
				name = is.Name.Name
			}
			folders[name] = folder
		}
	}
	for _, word := range parsed.Unresolved { // not declared in this file
		if out.lostVariables[word.Name] || out.removed[packageOf(file, parsed)][word.Name] {
			names[word] = word.Name
		}
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		if is, ok := node.(*ast.SelectorExpr); ok {
			if out.lostFields[is.Sel.Name] {
				names[is] = is.Sel.Name
			}
			if of, ok := is.X.(*ast.SelectorExpr); ok && of.Sel.Name == "Auth" && out.lostServices[is.Sel.Name] {
				names[is] = "Auth." + is.Sel.Name
			}
			if of, ok := is.X.(*ast.Ident); ok && of.Obj == nil && out.removed[folders[of.Name]][is.Sel.Name] {
				names[is] = of.Name + "." + is.Sel.Name
			}
		}
		return true
	})
	return names
}

// isEntry reports whether a node can be removed from the last one of its parents.
func isEntry(parents []ast.Node, node ast.Node) bool {
	switch is := parents[len(parents)-1].(type) {
	case *ast.BlockStmt:
		return true
	case *ast.FieldList:
		_, isStruct := parents[len(parents)-2].(*ast.StructType)
		return isStruct
	case *ast.CompositeLit:
		_, isList := is.Type.(*ast.ArrayType)
		_, isMap := is.Type.(*ast.MapType)
		named, isNamed := is.Type.(*ast.SelectorExpr)
		isList = isList || isNamed && named.Sel.Name == "Schema"
		_, isField := node.(*ast.KeyValueExpr)
		return node != is.Type && (isList || isMap || isField)
	case *ast.CallExpr:
		var called string
		switch of := is.Fun.(type) {
		case *ast.Ident:
			called = of.Name
		case *ast.SelectorExpr:
			called = of.Sel.Name
		}
		return node != is.Fun && slices.Contains([]string{"append", "Concat", "Group", "Run", "Errors"}, called)
	}
	return false
}

// routesIn returns the routes that an entry makes.
func routesIn(entry ast.Expr) (routes []string) {
	ast.Inspect(entry, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok && len(call.Args) > 2 {
			method, isMethod := call.Args[0].(*ast.BasicLit)
			at, isPath := call.Args[1].(*ast.BasicLit)
			if isMethod && isPath {
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

// removeText removes an entry with its comma. It removes whole lines if they have
// nothing else.
func removeText(text []byte, from, to int) []byte {
	begin, end := lineBegins.FindIndex(text[:from]), lineEnds.FindIndex(text[to:])
	switch first, last := comma.FindIndex(text[to:]), commaLast.FindIndex(text[:from]); {
	case begin != nil && end != nil:
		from, to = begin[0]+1, to+end[1]
	case first != nil:
		to += first[1]
	case last != nil:
		from = last[0]
	}
	if bytes.HasSuffix(text[:from], []byte("{\n")) { // gofumpt allows no empty line at the start of a block
		to += len(text[to:]) - len(bytes.TrimLeft(text[to:], "\n"))
		if rest := bytes.TrimLeft(text[to:], "\t"); bytes.HasPrefix(rest, []byte("}")) { // nor an empty one on two lines
			from, to = from-1, len(text)-len(rest)
		}
	}
	return slices.Concat(text[:from], text[to:])
}
