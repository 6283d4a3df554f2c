package main

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"unicode"

	"weblab.example/scripts/golden"
)

// FuzzCutGaps cuts gaps into any source, for any set of open steps: bit i of
// open is golden.Steps[i]. More seeds are in testdata/fuzz/FuzzCutGaps.
func FuzzCutGaps(f *testing.F) {
	f.Add(solution, uint32(1<<1))
	f.Add("package p\n\nimport \"fmt\"; import \"os\"\n\n//lab:todo 1.1 x\nfunc f() { fmt.Print() }\n\nfunc g() { os.Exit(1) }\n", uint32(1))
	f.Add("package p; import (\"fmt\"; \"os\"; \"io\") // all\n\nvar _ io.Reader\n\n//lab:todo 1.1 x\nfunc f() { fmt.Print(os.Args) }\n", uint32(1))
	f.Add("\ufeff//go:build linux\r\n\r\npackage p\r\n\r\n// f does.\r\n//\r\n//lab:todo 3.6 \"x\" }\r\nfunc f() { // {\r\n\tg()\r\n} // after\r\n", uint32(1<<17))
	f.Add("package p\n\n//lab:todo 1.2 x\nfunc (t *T[K]) f(v K) (n int) {\n\tfunc() { _ = `//lab:todo 1.1 }` }()\n\treturn '}'\n}\n\ntype T[K any] struct{}\n\nfunc g[V any]() string { return `\n//lab:todo 1.3 x\n` }\n", uint32(1<<1))
	f.Add("package p\n//line q.go:1\n/* a */ //lab:todo 1.1 x\nfunc f() {\n//line p.go:1\ng() /*\n*/ }\n", ^uint32(0))
	f.Add("package p\n\n//lab:todo S.2 \"x\" */ {\nfunc (t) f(s string) (err error) {\n\t// a secret\n\treturn g(s)\n}\n\n//lab:todo S.5 x \nfunc f() error { return nil }\n", uint32(1<<19))
	f.Add("package p\n\nfunc f() {\n//lab:todo 1.1 x\n}\n", ^uint32(0))
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
		before := parse(t, []byte(src))
		marks := marksOf(before)
		if len(marks) == 0 {
			if string(cut) != src || len(gaps) > 0 {
				t.Fatalf("a file without a directive became %q, with %d gaps", cut, len(gaps))
			}
			return
		}
		after := parse(t, cut)
		if left := marksOf(after); len(left) > 0 {
			t.Errorf("a directive is left: %v", left)
		}
		compareFunctions(t, []byte(src), cut, isOpen, gaps)
		compareImports(t, parse(t, formatted(t, []byte(src))), after)
		if again, more, err := cutGaps("p.go", cut, isOpen); err != nil || !bytes.Equal(again, cut) || len(more) > 0 {
			t.Errorf("cut again: %v, %d gaps\n%s", err, len(more), again)
		}
		if stable(t, []byte(src)) && !stable(t, cut) {
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

// marksOf lists the directives of a file.
func marksOf(file *ast.File) (marks []string) {
	for _, group := range file.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//lab:") {
				marks = append(marks, c.Text)
			}
		}
	}
	return marks
}

// formatted is a source as gofmt has it. What it does with some comments it
// would not do again: stable tells.
func formatted(t *testing.T, src []byte) []byte {
	t.Helper()
	out, err := format.Source(src)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return out
}

// stable reports whether gofmt changes nothing in what gofmt has made.
func stable(t *testing.T, src []byte) bool {
	t.Helper()
	once := formatted(t, src)
	return bytes.Equal(formatted(t, once), once)
}

// functionsOf lists the functions of a file.
func functionsOf(file *ast.File) (functions []*ast.FuncDecl) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			functions = append(functions, f)
		}
	}
	return functions
}

// compareFunctions looks at each function and its comment: of one that is a gap all is left
// that comes before its body, which is that of an unwritten step and no more. The
// others are as they were.
func compareFunctions(t *testing.T, src, cut []byte, isOpen func(step string) bool, gaps []gap) {
	t.Helper()
	marked := functionsOf(parse(t, src))
	src = formatted(t, src)
	were, are := functionsOf(parse(t, src)), functionsOf(parse(t, cut))
	if len(were) != len(are) {
		t.Fatalf("%d functions became %d", len(were), len(are))
	}
	// Each by itself: gofmt aligns the bodies of short functions that follow one
	// another. The first position is 1.
	textOf := func(src []byte, f *ast.FuncDecl, to token.Pos, more string) string {
		return string(formatted(t, []byte("package p\n\n"+string(src[f.Pos()-1:to-1])+more)))
	}
	found := 0
	for i, was := range were {
		is := are[i]
		// Directives are no part of a comment's text, and gofmt indents the rest.
		if a, b := wordsOf(was.Doc), wordsOf(is.Doc); !slices.Equal(a, b) {
			t.Errorf("a comment was %q and is %q", a, b)
		}
		step, text, ok := markOf(marked[i]) // gofmt removes spaces at its end
		if !ok || !isOpen(step) {
			if a, b := textOf(src, was, was.End(), ""), textOf(cut, is, is.End(), ""); a != b {
				t.Errorf("a function that is no gap was\n%s\nand is\n%s", a, b)
			}
			continue
		}
		if a, b := textOf(src, was, was.Body.Lbrace, "{}"), textOf(cut, is, is.Body.Lbrace, "{}"); a != b {
			t.Errorf("a gap's head was\n%s\nand is\n%s", a, b)
		}
		want := "{\n\t" + strings.TrimRightFunc(unwritten(step, text), unicode.IsSpace) + "\n}"
		if got := string(cut[is.Body.Lbrace-1 : is.End()-1]); got != want || len(is.Body.List) != 1 {
			t.Errorf("a gap's body is %s, want %s", got, want)
		}
		found++
	}
	if found != len(gaps) {
		t.Errorf("%d gaps are told of, and there are %d", len(gaps), found)
	}
}

// wordsOf is a comment by its words, of letters and digits alone: gofmt makes one
// quotation mark of two, and has habits with control characters.
func wordsOf(doc *ast.CommentGroup) []string {
	return strings.FieldsFunc(doc.Text(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// markOf is the directive of a function, if it has one.
func markOf(f *ast.FuncDecl) (step, text string, ok bool) {
	if f.Doc == nil {
		return "", "", false
	}
	last := f.Doc.List[len(f.Doc.List)-1].Text
	rest, ok := strings.CutPrefix(last, "//lab:todo ")
	step, text, _ = strings.Cut(rest, " ")
	return step, text, ok
}

// compareImports looks at each import: it is gone if it was used and is no more,
// and only then.
func compareImports(t *testing.T, before, after *ast.File) {
	t.Helper()
	had, has := qualifiers(before), qualifiers(after)
	left := map[string]int{}
	for _, spec := range after.Imports {
		left[importName(spec)+" "+spec.Path.Value]++
	}
	for _, spec := range before.Imports {
		name := importName(spec)
		left[name+" "+spec.Path.Value]--
		if had[name] && !has[name] {
			left[name+" "+spec.Path.Value]++
		}
	}
	for name, n := range left {
		if n > 0 {
			t.Errorf("the import %s is used no more, and is there", name)
		} else if n < 0 {
			t.Errorf("the import %s is gone", name)
		}
	}
}
