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

// An edit replaces the bytes of a file from start up to end.
type edit struct {
	start, end int
	by         string
}

// cutGaps returns the source of a Go file as it is handed out. Directives are
// removed, and functions whose step is open lose their body (see unwritten).
// Bytes are replaced, and not the syntax tree's nodes: to print a tree without
// a body would print the body's comments elsewhere.
func cutGaps(name string, src []byte, open func(step string) bool) ([]byte, []gap, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return nil, nil, err
	}
	functions := map[*ast.CommentGroup]*ast.FuncDecl{} // by doc comment
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Doc != nil && f.Body != nil {
			functions[f.Doc] = f
		}
	}
	offset := func(pos token.Pos) int { return fset.Position(pos).Offset }
	var edits []edit
	var gaps []gap
	for _, group := range file.Comments {
		for i, comment := range group.List {
			if !strings.HasPrefix(comment.Text, "//lab:") {
				continue
			}
			m, f := directive.FindStringSubmatch(comment.Text), functions[group]
			if wrong := wrongMark(fset, m, f, group.List, i); wrong != "" {
				return nil, nil, fmt.Errorf("%s: %s: %s", fset.Position(comment.Pos()), wrong, comment.Text)
			}
			edits = append(edits, edit{offset(comment.Pos()), offset(f.Pos()), ""})
			if open(m[1]) {
				start, end := offset(f.Body.Lbrace)+1, offset(f.Body.Rbrace)
				edits = append(edits, edit{start, end, "\n\t" + unwritten(m[1], m[2]) + "\n"})
				gaps = append(gaps, gap{name, f.Name.Name, m[1], m[2], f.Doc.Text(), string(src[start:end])})
			}
		}
	}
	if edits == nil {
		return src, nil, nil // not even formatted
	}
	// In a formatted source each import has a line of its own. A form feed in a comment
	// is too much for gofmt; then dropImports cannot read it.
	if src, err = format.Source(apply(src, edits)); err != nil {
		return nil, nil, err
	}
	if src, err = dropImports(name, src, qualifiers(file)); err != nil {
		return nil, nil, err
	}
	src, err = format.Source(src)
	return src, gaps, err
}

// wrongMark says what is wrong with comment i above a function, which has the parts m
// of a directive, or "".
func wrongMark(fset *token.FileSet, m []string, f *ast.FuncDecl, comments []*ast.Comment, i int) string {
	line := func(pos token.Pos) int { return fset.PositionFor(pos, false).Line } // in the file, whatever a //line says
	switch {
	case m == nil:
		return "want //lab:todo, a step, and what to write"
	case golden.StepOf(m[1]).Level == "":
		return "there is no step " + m[1]
	case f == nil:
		return "this is not the doc comment of a function with a body"
	case i != len(comments)-1:
		return "this is not the last line of the comment"
	case i > 0 && line(comments[i-1].End()) == line(comments[i].Pos()):
		return "this is not on a line of its own"
	case isStrict(m[1]) && (f.Type.Results.NumFields() != 1 || fmt.Sprint(f.Type.Results.List[0].Type) != "error"):
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

// apply makes edits, which do not overlap. The last one in the text comes first, so
// that the places of the others stay the same.
func apply(src []byte, edits []edit) []byte {
	src = slices.Clone(src)
	slices.SortFunc(edits, func(a, b edit) int { return b.start - a.start })
	for _, e := range edits {
		src = slices.Replace(src, e.start, e.end, []byte(e.by)...)
	}
	return src
}

// dropImports removes, each with its line, the imports that a formatted source does
// not use, and the file that it was made from did.
func dropImports(name string, src []byte, had map[string]bool) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	has := qualifiers(file)
	var drop []ast.Node
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.IMPORT {
			continue
		}
		before := len(drop)
		for _, spec := range d.Specs {
			if name := importName(spec.(*ast.ImportSpec)); had[name] && !has[name] {
				drop = append(drop, spec)
			}
		}
		if len(drop) == before+len(d.Specs) { // no empty import ()
			drop = append(drop[:before], d)
		}
	}
	var edits []edit
	for _, n := range drop { // with the line end before it, and a comment behind it
		start, end := fset.Position(n.Pos()).Offset, fset.Position(n.End()).Offset
		if before := bytes.TrimRight(src[:start], " \t"); bytes.HasSuffix(before, []byte("\n")) {
			start = len(before) - 1
		}
		rest, _, _ := bytes.Cut(src[end:], []byte("\n"))
		edits = append(edits, edit{start, end + len(rest), ""})
	}
	return apply(src, edits), nil
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
// last element of the path. "_" and "." stand before no dot.
func importName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return path.Base(majorVersion.ReplaceAllString(strings.Trim(spec.Path.Value, "\"`"), ""))
}
