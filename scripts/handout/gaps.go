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
	lineAt := func(pos token.Pos) int { return fset.PositionFor(pos, false).Line } // in the file, whatever a //line says
	var edits []edit
	var gaps []gap
	for _, group := range file.Comments {
		for i, comment := range group.List {
			if !strings.HasPrefix(comment.Text, "//lab:") {
				continue
			}
			wrong := func(what string) error {
				return fmt.Errorf("%s: %s: %s", fset.Position(comment.Pos()), what, comment.Text)
			}
			m := directive.FindStringSubmatch(comment.Text)
			f := functions[group]
			switch {
			case m == nil:
				return nil, nil, wrong("want //lab:todo, a step, and what to write")
			case golden.StepOf(m[1]).Level == "":
				return nil, nil, wrong("there is no step " + m[1])
			case f == nil:
				return nil, nil, wrong("this is not the doc comment of a function with a body")
			case i != len(group.List)-1:
				return nil, nil, wrong("this is not the last line of the comment")
			case i > 0 && lineAt(group.List[i-1].End()) == lineAt(comment.Pos()):
				return nil, nil, wrong("this is not on a line of its own")
			case isStrict(m[1]) && !onlyError(f.Type.Results):
				return nil, nil, wrong("a function of the strict level has one result, an error: nil means that there is nothing to refuse")
			}
			start := offset(comment.Pos())
			if i > 0 && group.List[i-1].Text == "//" {
				start = offset(group.List[i-1].Pos())
			}
			edits = append(edits, edit{start, offset(f.Pos()), ""})
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
	src, err = dropImports(name, apply(src, edits), file)
	if err != nil {
		return nil, nil, err
	}
	if src, err = format.Source(src); err == nil {
		_, err = parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution) // a form feed in a comment is too much for gofmt
	}
	return src, gaps, err
}

func isStrict(step string) bool { return golden.StepOf(step).Level == golden.Strict }

// onlyError reports whether a function returns an error and nothing else.
func onlyError(results *ast.FieldList) bool {
	if results.NumFields() != 1 {
		return false
	}
	of, ok := results.List[0].Type.(*ast.Ident)
	return ok && of.Name == "error"
}

// unwritten is the body of a gap. A strict step refuses nothing until it is
// written, and the program works without it. Any other is a panic that says
// which step it is.
func unwritten(step, text string) string {
	if isStrict(step) {
		return "return nil // " + step + ": " + text
	}
	return "panic(" + strconv.Quote("step "+step+" is not written yet: "+text) + ")"
}

// apply makes edits, which do not overlap, in their order.
func apply(src []byte, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out []byte
	done := 0
	for _, e := range edits {
		out = append(append(out, src[done:e.start]...), e.by...)
		done = e.end
	}
	return append(out, src[done:]...)
}

// dropImports removes, each with its line, the imports that src does not use
// and the file that it was made from did.
func dropImports(name string, src []byte, before *ast.File) ([]byte, error) {
	fset := token.NewFileSet()
	after, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	had, has := qualifiers(before), qualifiers(after)
	var edits []edit
	for _, decl := range after.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.IMPORT {
			continue
		}
		kept := 0
		for _, spec := range d.Specs {
			if used := importName(spec.(*ast.ImportSpec)); had[used] && !has[used] {
				edits = append(edits, lineOf(fset, src, spec))
			} else {
				kept++
			}
		}
		if kept == 0 { // no empty import ()
			edits = append(edits[:len(edits)-len(d.Specs)], lineOf(fset, src, d))
		}
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

// lineOf is an edit that removes a node and the comment behind it: the whole
// line, or where something else stands on it, the node with its semicolon.
func lineOf(fset *token.FileSet, src []byte, n ast.Node) edit {
	start, end := fset.Position(n.Pos()).Offset, fset.Position(n.End()).Offset
	before := bytes.TrimRight(src[:start], " \t")
	first := len(before) == 0 || before[len(before)-1] == '\n'
	if first {
		start = len(before)
	}
	rest, _, ended := bytes.Cut(src[end:], []byte("\n"))
	after := bytes.TrimLeft(rest, " \t\r;")
	switch {
	case len(after) > 0 && !bytes.HasPrefix(after, []byte("//")):
		end += len(rest) - len(after)
	case first && ended:
		end += len(rest) + 1
	default:
		end += len(rest)
	}
	return edit{start, end, ""}
}
