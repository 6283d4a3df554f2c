//go:build kit

package golden

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// TestDiagnosesAreWhole: what the source names stands in the table, what
// stands there is named, and the texts and notes are good.
func TestDiagnosesAreWhole(t *testing.T) {
	named, mentioned := namedDiagnoses(t)
	for name, where := range named {
		if _, ok := verdict.Diagnoses[name]; !ok && name != "" {
			t.Errorf("%s: %q is not in the table", where, name)
		}
	}
	for name, d := range verdict.Diagnoses {
		if !mentioned[name] {
			t.Errorf("nothing names %q", name)
		}
		if !strings.HasSuffix(d.Why, ".") && !regexp.MustCompile(`%[sdq]$`).MatchString(d.Why) {
			t.Errorf("%s: no sentence: %q", name, d.Why)
		}
		if strings.Contains(d.Why, "  ") || strings.ContainsAny(d.Why, "\r\n\t") {
			t.Errorf("%s: odd spaces: %q", name, d.Why)
		}
		checkNote(t, name, d.Note)
	}
	for stage := 1; stage <= 3; stage++ {
		for _, c := range Checks(stage) {
			checkNote(t, c.Name, strings.TrimPrefix(noteOf("trouble", c), "lab-notes/"))
		}
	}
}

// namedDiagnoses finds where the package's source names a diagnosis, and
// which strings it mentions beside the table: a name may be in a variable.
func namedDiagnoses(t *testing.T) (named map[string]string, mentioned map[string]bool) {
	t.Helper()
	here, _ := filepath.Glob("*.go") // the patterns are good
	verdicts, _ := filepath.Glob("../internal/verdict/*.go")
	files := append(here, verdicts...)
	named, mentioned = map[string]string{}, map[string]bool{}
	err := fs.WalkDir(caseFiles, "cases", func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".txt") {
			text, _ := caseFiles.ReadFile(name) // a test reads it
			for word := range strings.FieldsSeq(string(text)) {
				mentioned[word] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		note := func(e ast.Expr) {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value) // the parser has read it already
				named[text] = fset.Position(lit.Pos()).String()
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				text, _ := strconv.Unquote(n.Value)
				mentioned[text] = true
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.Ident)
				if s, is := n.Fun.(*ast.SelectorExpr); is {
					f, ok = s.Sel, true
				}
				if at, is := map[string]int{"Failf": 0, "found": 0, "Because": 1, "answers": 1}[fmt.Sprint(f)]; ok && is && at < len(n.Args) {
					note(n.Args[at])
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Diagnosis" {
					note(n.Value)
				}
			case *ast.AssignStmt: // failure.Diagnosis, failure.Args = "died", nil
				for i, left := range n.Lhs {
					if s, ok := left.(*ast.SelectorExpr); ok && s.Sel.Name == "Diagnosis" && len(n.Lhs) == len(n.Rhs) {
						note(n.Rhs[i])
					}
				}
			}
			return true
		})
	}
	return named, mentioned
}

// checkNote checks that a note has the heading that it promises.
func checkNote(t *testing.T, name, note string) {
	t.Helper()
	if note == "" {
		return // that of the check's step
	}
	file, heading, ok := strings.Cut(note, ", ")
	text, err := os.ReadFile(filepath.Join("..", "..", "lab-notes", file))
	if !ok || err != nil {
		t.Errorf("%s: note %q: %v", name, note, err)
		return
	}
	if !regexp.MustCompile(`(?m)^#+ ` + regexp.QuoteMeta(heading) + `( |$)`).Match(text) {
		t.Errorf("%s: %s has no heading %q", name, file, heading)
	}
}

// TestRefusalsHaveReasons: each case that asks for a refusal says what comes of
// taking it, and each reason is that of some check.
func TestRefusalsHaveReasons(t *testing.T) {
	met := map[string]bool{}
	for _, g := range goldens {
		_, answers := bytesOf(g.name)
		last := exchange.ReadMessage(answers[bytes.LastIndex(answers, []byte("HTTP/1.1 ")):])
		reason := verdict.Refusal(g.name, last.Status)
		met[strings.TrimSpace(reason)] = true
		switch last.Status {
		case 400, 414, 431, 505:
			if reason == "" {
				t.Errorf("%s is a %d, and no reason is there", g.name, last.Status)
			}
		case 200, 301, 405:
			if reason != "" {
				t.Errorf("%s is a %d, and is told %q", g.name, last.Status, reason)
			}
		}
	}
	for _, r := range verdict.Texts.Refusals {
		if !met[r.Why] || !strings.HasSuffix(r.Why, ".") {
			t.Errorf("no case is told, or no sentence is: %q", r.Why)
		}
	}
}

func TestLogSince(t *testing.T) {
	const first = "time=1 level=INFO msg=accepted conn=1 remote=x local=y\n" + "time=1 level=INFO msg=request conn=1 method=GET target=/a\n"
	for _, c := range []struct{ name, log, before, said string }{
		{"nothing", "", "", ""},
		{"another program's", "conn=1 why=EOF\n", "", ""},
		{"all is well", first + "time=1 level=INFO msg=closed conn=1 why=answered\n", "", ""},
		{"the client left", first + "time=1 level=INFO msg=closed conn=1 why=EOF\n", "", ""},
		{"the client has reset", first + "time=1 level=INFO msg=closed conn=1 why=\"read tcp x->y: reset\"\n", "", ""},
		{"an error", first + "time=1 level=INFO msg=closed conn=1 why=\"no more\"\n", "", "request conn=1 method=GET target=/a\nclosed conn=1 why=\"no more\"\n"},
		{"of another check", first + "time=1 level=INFO msg=closed conn=1 why=\"no more\"\n", "1", ""},
		{"of the connection before", first + "time=1 level=INFO msg=closed conn=1 why=\"no more\"\n" + "time=1 level=INFO msg=accepted conn=2 remote=x local=y\n", "", ""},
		{"a gap", "time=1 level=INFO msg=closed conn=1 why=\"the server's own code ended it: step 1.8 is not written yet: x\"\n", "", ""},
		{"a refusal", "time=1 level=WARN msg=request conn=12 method=GET target=/a refused=\"no a\"\n", "1", "request conn=12 method=GET target=/a refused=\"no a\"\n"},
	} {
		l := &lab{proc: &process{stderr: &tail{}}}
		l.proc.stderr.Write([]byte(c.log)) // to memory
		if said := l.logSince(c.before); said != c.said {
			t.Errorf("%s: %q", c.name, said)
		}
	}
}
