package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
)

const solution = `// Package p is handed out.
package p

import (
	"fmt"
	str "strings"

	// for its side effect
	_ "embed"
	. "math"
	"os" // goes with its comment
	"time"

	"math/rand/v2"
)

// greet greets.
//
//lab:todo 1.2 say "hello", with a name
func greet(name string) string {
	// A secret.
	if name == "" { // nobody
		return str.ToUpper("hello")
	}
	return fmt.Sprint("hello, }", name, rand.Int(), os.Args)
}

type t struct{}

// given stays as it is.
func (t) given() string { return fmt.Sprint(Pi, time.UTC) }

//lab:todo 2.1 do it
func (t) method() (n int, err error) { return 1, nil /* secret */ }

// check refuses what is too long.
//
//lab:todo S.1 refuse a name "over" 8 KiB
func (t) check(name string) error {
	if len(name) > limit { // a secret
		return os.ErrInvalid
	}
	return nil
}
`

var open = map[string]func(step string) bool{
	"all":  func(string) bool { return true },
	"none": func(string) bool { return false },
	"core": func(step string) bool { return golden.StepOf(step).Level == golden.Core },
	"S.1":  func(step string) bool { return step == "S.1" },
}

func TestCutGaps(t *testing.T) {
	const all = `// Package p is handed out.
package p

import (
	"fmt"

	// for its side effect
	_ "embed"
	. "math"
	"time"
)

// greet greets.
func greet(name string) string {
	panic("step 1.2 is not written yet: say \"hello\", with a name")
}

type t struct{}

// given stays as it is.
func (t) given() string { return fmt.Sprint(Pi, time.UTC) }

func (t) method() (n int, err error) {
	panic("step 2.1 is not written yet: do it")
}

// check refuses what is too long.
func (t) check(name string) error {
	return nil // S.1: refuse a name "over" 8 KiB
}
`
	const marks = "//\n//lab:todo 1.2 say \"hello\", with a name\n|//lab:todo 2.1 do it\n|//\n//lab:todo S.1 refuse a name \"over\" 8 KiB\n"
	none := solution
	for mark := range strings.SplitSeq(marks, "|") {
		none = strings.Replace(none, mark, "", 1)
	}
	_, strict, _ := strings.Cut(all, "// check")
	_, solved, _ := strings.Cut(none, "// check")
	for _, c := range []struct {
		name, open, want string
		gaps             []string
	}{
		{"all", "all", all, []string{"greet 1.2", "method 2.1", "check S.1"}},
		{"none", "none", none, nil},
		{"core alone", "core", strings.Replace(strings.Replace(all, strict, solved, 1), "\t\"time\"\n", "\t\"os\" // goes with its comment\n\t\"time\"\n", 1), []string{"greet 1.2", "method 2.1"}},
		{"a strict step alone", "S.1", strings.Replace(none, solved, strict, 1), []string{"check S.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, gaps, err := cutGaps("p.go", []byte(solution), open[c.open])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			var told []string
			for _, g := range gaps {
				told = append(told, g.function+" "+g.step)
			}
			if diff := cmp.Diff(c.gaps, told); diff != "" {
				t.Errorf("the gaps that were told of: -want +got:\n%s", diff)
			}
		})
	}
}

// TestLastImport: no import at all is left, however they were written.
func TestLastImport(t *testing.T) {
	for _, imports := range []string{"import \"fmt\"", "import (\n\t\"fmt\"\n)", "import (\n\t\"fmt\"\n\t\"os\"\n)"} {
		src := "package p\n\n" + imports + "\n\n//lab:todo 1.1 x\nfunc f() { fmt.Print(os.Args) }\n"
		got, _, err := cutGaps("p.go", []byte(src), open["all"])
		if want := "package p\n\nfunc f() {\n\tpanic(\"step 1.1 is not written yet: x\")\n}\n"; err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", imports, got, err)
		}
	}
}

func TestUntouched(t *testing.T) {
	const odd = "package   p\r\n\r\nimport \"unused\"\r\n"
	if got, gaps, err := cutGaps("p.go", []byte(odd), nil); string(got) != odd || gaps != nil || err != nil {
		t.Errorf("a file without a directive became %q, %v, %v", got, gaps, err)
	}
}

func TestBadDirectives(t *testing.T) {
	for _, c := range []struct{ name, src, says string }{
		{"no text", "//lab:todo 1.1\nfunc f() {}", "want //lab:todo"},
		{"no step", "//lab:todo write this\nfunc f() {}", "want //lab:todo"},
		{"another word", "//lab:gap 1.1 x\nfunc f() {}", "want //lab:todo"},
		{"unknown step", "//lab:todo 1.10 x\nfunc f() {}", "there is no step 1.10"},
		{"unknown strict step", "//lab:todo S.6 x\nfunc f() error { return nil }", "there is no step S.6"},
		{"strict, no result", "//lab:todo S.1 x\nfunc f() {}", "one result, an error"},
		{"strict, another result", "//lab:todo S.1 x\nfunc f() bool { return true }", "one result, an error"},
		{"strict, two results", "//lab:todo S.1 x\nfunc f() (n int, err error) { return }", "one result, an error"},
		{"strict, two errors", "//lab:todo S.1 x\nfunc f() (a, b error) { return }", "one result, an error"},
		{"no function", "//lab:todo 1.1 x\nvar f int", "function with a body"},
		{"no body", "//lab:todo 1.1 x\nfunc f()", "function with a body"},
		{"apart from the function", "//lab:todo 1.1 x\n\nfunc f() {}", "function with a body"},
		{"not on a line of its own", "/* f is. */ //lab:todo 1.1 x\nfunc f() {}", "a line of its own"},
		{"not the last line", "//lab:todo 1.1 x\n// f is.\nfunc f() {}", "last line"},
		{"twice", "//lab:todo 1.1 x\n//lab:todo 1.2 x\nfunc f() {}", "last line"},
		{"inside", "func f() {\n//lab:todo 1.1 x\n}", "function with a body"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := cutGaps("http1/p.go", []byte("package p\n\n"+c.src+"\n"), open["all"])
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "http1/p.go:") {
				t.Errorf("%v, want http1/p.go:LINE and %q", err, c.says)
			}
		})
	}
}

// testKit is a small kit.
func testKit(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.work": "", "README.md": "a\r\nb\n", ".gitignore": "# built\n/stage3-client/stage3-client\n*.exe\n.idea/\n\n",
		".git/HEAD": "x", ".ci/run": "x", ".github/workflows/test.yml": "x", ".idea/x": "x", "x.exe": "x",
		"lab-notes/stage1.md": "x", "lab-notes/instructors.md": "x", "lab-notes/zh/instructors.md": "x",
		"scripts/golden/cases/a.request": "GET / HTTP/1.1\r\n\r\n\xff", "scripts/golden/a_test.go": "package golden\n", "scripts/golden/testdata/a": "x",
		"scripts/golden/testdata/fuzz/FuzzX/a": "x", "testdata/fuzz/FuzzX/a": "x", "scripts/testdata/fuzzy": "x",
		"scripts/golden/kit_test.go": "//go:build kit\n\npackage golden\n", "scripts/golden/update.go": "//go:build linux && kit\n\npackage golden\n",
		"scripts/golden/norace.go": "//go:build !race\n\npackage golden\n\n//go:build kit\n",
		"scripts/handout/main.go":  "package main\n", "scripts/gradescope/setup.sh": "x",
		"stage1-single/main.go": solution, "stage1-single/main_test.go": "package main\n", "stage1-single/http1/a_test.go": "package http1\n",
		"stage1-single/http1/testdata/fuzz/a": "x", "stage3-client/stage3-client": "x", "stage3-client/client.go": "package main\n",
	} {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestWriteCopy(t *testing.T) {
	root, dir := testKit(t), filepath.Join(t.TempDir(), "new", "copy")
	gaps, err := writeCopy(root, dir, open["all"])
	if err != nil || len(gaps) != 3 {
		t.Fatalf("%d gaps, %v", len(gaps), err)
	}
	want := []string{".gitignore", "README.md", "go.work", "lab-notes/stage1.md", "scripts/golden/a_test.go", "scripts/golden/cases/a.request", "scripts/golden/norace.go",
		"scripts/golden/testdata/a", "scripts/testdata/fuzzy", "stage1-single/main.go", "stage1-single/main_test.go", "stage3-client/client.go"}
	if diff := cmp.Diff(want, filesBelow(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, name := range want {
		before, err1 := os.ReadFile(filepath.Join(root, name))
		after, err2 := os.ReadFile(filepath.Join(dir, name))
		if same := string(before) == string(after); err1 != nil || err2 != nil || same != (name != "stage1-single/main.go") {
			t.Errorf("%s is the same: %v, %v, %v", name, same, err1, err2)
		}
	}
}

func TestToWrite(t *testing.T) {
	gaps := []gap{{step: "1.2"}, {step: "S.1"}, {step: "1.7"}, {step: "1.2"}, {step: "S.5"}}
	for stage, want := range map[int]string{1: "functions to write: 2 of core, 1 of protocol, 1 of strict", 2: "solved", 3: "functions to write: 1 of strict"} {
		if got := toWrite(stage, gaps); got != want {
			t.Errorf("stage %d: %q, want %q", stage, got, want)
		}
	}
}

// filesBelow lists the files below a directory, with slashes.
func filesBelow(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, err = filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWhereNot(t *testing.T) {
	root, full := testKit(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine.txt"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, dir, says string }{
		{"not empty", full, "mine.txt"},
		{"a file", filepath.Join(full, "mine.txt"), "mine.txt"},
		{"the kit", root, "not empty"},
		{"inside of the kit", filepath.Join(root, "new", "copy"), "inside of the kit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(filesBelow(t, root)) + len(filesBelow(t, full))
			_, err := writeCopy(root, c.dir, open["all"])
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
			if after := len(filesBelow(t, root)) + len(filesBelow(t, full)); after != before {
				t.Errorf("there were %d files, now %d", before, after)
			}
		})
	}
}
