package main

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
)

// FuzzCutGaps cuts gaps into any source, for any set of open steps: bit i of
// open is golden.Steps[i]. The other seeds are in testdata/fuzz/FuzzCutGaps.
func FuzzCutGaps(f *testing.F) {
	f.Add(read(f, "kit"), uint32(1<<1))
	f.Fuzz(func(t *testing.T, src string, open uint32) {
		isOpen := func(id string) bool {
			return open>>slices.IndexFunc(golden.Steps, func(s golden.Step) bool { return s.ID == id })&1 == 1
		}
		cut, gaps, err := cutGaps("p.go", []byte(src), isOpen)
		if err != nil {
			t.Skip("refused: ", err)
		}
		if strings.ContainsFunc(src, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) }) {
			return // gofmt uses some of them itself, and changes what stands around them
		}
		if regexp.MustCompile(`\*/[ \t]*func`).MatchString(src) {
			return // gofmt may move such a comment to a line of its own, where it belongs to the function
		}
		if marks(parse(t, []byte(src))) == 0 {
			if string(cut) != src || len(gaps) > 0 {
				t.Fatalf("a file without a directive became %q, with %d gaps", cut, len(gaps))
			}
			return
		}
		before, after := formatted(t, []byte(src)), parse(t, cut)
		if n := marks(after); n > 0 {
			t.Errorf("%d directives are left", n)
		}
		bodies := map[int]string{}
		for i, f := range functions(parse(t, []byte(src))) {
			if step, text, ok := markOf(f); ok && isOpen(step) {
				bodies[i] = "{\n\t" + unwritten(step, text) + "\n}"
			}
		}
		if len(bodies) != len(gaps) {
			t.Errorf("%d gaps are told of, and there are %d", len(gaps), len(bodies))
		}
		if diff := cmp.Diff(texts(t, before, bodies), texts(t, cut, nil)); diff != "" {
			t.Errorf("functions: -want +got:\n%s", diff)
		}
		was := parse(t, before)
		had, has := qualifiers(was), qualifiers(after)
		lost := func(name string) bool { return had[name] && !has[name] }
		if diff := cmp.Diff(imports(was, lost), imports(after, nil)); diff != "" {
			t.Errorf("imports: -want +got:\n%s", diff)
		}
		if again, more, err := cutGaps("p.go", cut, isOpen); err != nil || !bytes.Equal(again, cut) || len(more) > 0 {
			t.Errorf("cut again: %v, %d gaps\n%s", err, len(more), again)
		}
		// What gofmt does with some comments it would not do again.
		if bytes.Equal(formatted(t, before), before) && !bytes.Equal(formatted(t, cut), cut) {
			t.Errorf("gofmt would change it")
		}
		if t.Failed() {
			t.Logf("of\n%s\nbecame\n%s", src, cut)
		}
	})
}

func parse(t *testing.T, src []byte) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", src, parser.ParseComments)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return file
}

func formatted(t *testing.T, src []byte) []byte {
	t.Helper()
	out, err := format.Source(src)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return out
}

// marks counts the directives of a file.
func marks(file *ast.File) (n int) {
	for _, group := range file.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//lab:") {
				n++
			}
		}
	}
	return n
}

// markOf is the directive of a function, if it has one.
func markOf(f *ast.FuncDecl) (step, text string, ok bool) {
	if f.Doc == nil {
		return "", "", false
	}
	rest, ok := strings.CutPrefix(f.Doc.List[len(f.Doc.List)-1].Text, "//lab:todo ")
	step, text, _ = strings.Cut(rest, " ")
	return step, text, ok
}

func functions(file *ast.File) (functions []*ast.FuncDecl) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			functions = append(functions, f)
		}
	}
	return functions
}

// texts are the functions of a file, some with another body, each formatted by itself:
// gofmt aligns the bodies of short functions that follow one another. Of a comment only
// letters and digits count: gofmt makes one quotation mark of two, and indents. A
// directive is no part of it.
func texts(t *testing.T, src []byte, bodies map[int]string) (texts []string) {
	t.Helper()
	for i, f := range functions(parse(t, src)) {
		text := string(src[f.Pos()-1 : f.End()-1]) // the first position is 1
		if body, ok := bodies[i]; ok {
			text = string(src[f.Pos()-1:f.Body.Lbrace-1]) + body
		}
		words := strings.FieldsFunc(f.Doc.Text(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		texts = append(texts, strings.Join(words, " ")+string(formatted(t, []byte("package p\n\n"+text))))
	}
	return texts
}

// imports lists the imports of a file but those without.
func imports(file *ast.File, without func(name string) bool) (imports []string) {
	for _, spec := range file.Imports {
		if name := importName(spec); without == nil || !without(name) {
			imports = append(imports, name+" "+spec.Path.Value)
		}
	}
	slices.Sort(imports)
	return imports
}
