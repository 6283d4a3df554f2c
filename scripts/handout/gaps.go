package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"weblab.example/scripts/golden"
)

// A gap is a function whose body was taken out.
type gap struct {
	file     string // its path in the kit, with slashes
	function string
	step     string // such as "1.3"
	text     string // what to write, in a line
	doc      string // its doc comment, without the directive
	body     string // what was between the braces
}

// directive marks a function as a student's to write, in the last line of its
// doc comment:
//
//	//lab:todo 1.3 read pieces up to the empty line
var directive = regexp.MustCompile(`^//lab:todo ([0-9S.]+) (\S.*)$`)

// mark begins each directive.
var mark = []byte("//lab:")

// cutGaps returns the source of a Go file as it is handed out. Directives are
// removed, and functions whose step is open lose their body (see unwritten).
// Bytes are replaced, and not the syntax tree's nodes: to print a tree without
// a body would print the body's comments elsewhere.
func cutGaps(name string, src []byte, open func(step string) bool) ([]byte, []gap, error) {
	if !bytes.Contains(src, mark) {
		return src, nil, nil // not even formatted
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return nil, nil, err
	}
	offset := func(pos token.Pos) int { return fset.Position(pos).Offset }
	var gaps []gap
	for _, d := range slices.Backward(file.Decls) { // the last one first: the places of the others stay the same
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Doc == nil || f.Body == nil {
			continue
		}
		last := f.Doc.List[len(f.Doc.List)-1]
		m := directive.FindStringSubmatch(last.Text)
		if m == nil {
			continue // a mark that is left is an error below
		}
		if wrong := wrongStep(m[1], f.Type.Results); wrong != "" {
			return nil, nil, fmt.Errorf("%s: %s: %s", fset.Position(last.Pos()), wrong, last.Text)
		}
		if open(m[1]) {
			start, end := offset(f.Body.Lbrace)+1, offset(f.Body.Rbrace)
			gaps = append(gaps, gap{name, f.Name.Name, m[1], m[2], f.Doc.Text(), string(src[start:end])})
			src = slices.Concat(src[:start], []byte("\n\t"+unwritten(m[1], m[2])+"\n"), src[end:])
		}
		src = slices.Concat(src[:offset(last.Pos())], src[offset(f.Pos()):])
	}
	if at := bytes.Index(src, mark); at >= 0 {
		line, _, _ := bytes.Cut(src[at:], []byte("\n"))
		return nil, nil, fmt.Errorf("%s: %s: want //lab:todo, a step, and what to write, in the last line of the doc comment of a function with a body", name, line)
	}
	slices.Reverse(gaps)
	if src, err = dropImports(name, src); err == nil {
		src, err = format.Source(src)
	}
	return src, gaps, err
}

// wrongStep says what is wrong with the step of a function with these results, or "".
func wrongStep(step string, results *ast.FieldList) string {
	switch {
	case golden.StepOf(step).Level == "":
		return "there is no step " + step
	case isStrict(step) && (results.NumFields() != 1 || fmt.Sprint(results.List[0].Type) != "error"):
		return "a function of the strict level has one result, an error: nil means that there is nothing to refuse"
	}
	return ""
}

func isStrict(step string) bool { return golden.StepOf(step).Level == golden.Strict }

// unwritten is the body of a gap. A strict step refuses nothing until it is
// written, and the program works without it. Any other is a panic that says
// which step it is.
func unwritten(step, text string) string {
	if isStrict(step) {
		return "return nil // " + step + ": " + text
	}
	return "panic(" + strconv.Quote("step "+step+" is not written yet: "+text) + ")"
}

// dropImports removes the imports that a source does not use any more, each with its
// line: in a formatted file an import has a line of its own.
func dropImports(name string, src []byte) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	used := qualifiers(file)
	var drop []ast.Node
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.IMPORT {
			continue
		}
		before := len(drop)
		for _, spec := range d.Specs {
			if name := importName(spec.(*ast.ImportSpec)); !used[name] && name != "_" && name != "." {
				drop = append(drop, spec)
			}
		}
		if len(drop) == before+len(d.Specs) { // no empty import ()
			drop = append(drop[:before], d)
		}
	}
	for _, n := range slices.Backward(drop) {
		_, after, _ := bytes.Cut(src[fset.Position(n.End()).Offset:], []byte("\n"))
		src = slices.Concat(src[:fset.Position(n.Pos()).Offset], after)
	}
	return src, nil
}

// qualifiers are the names before a dot, such as fmt in fmt.Errorf. A variable
// of that name counts, too: then an import is kept for nothing, and the
// compiler says so.
func qualifiers(file *ast.File) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				names[x.Name] = true
			}
		}
		return true
	})
	return names
}

var majorVersion = regexp.MustCompile(`/v[0-9]+$`)

// importName is the name by which a file speaks of an import: its own, or the
// last element of the path.
func importName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return path.Base(majorVersion.ReplaceAllString(strings.Trim(spec.Path.Value, "\"`"), ""))
}
