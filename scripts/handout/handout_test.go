package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
)

func everyStep(string) bool { return true }

// read reads a file of testdata. kit.txt is a Go file of a kit; the others are what
// becomes of it, named for the steps that are open.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	must(t, err)
	return string(text)
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCutGaps(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(step string) bool
		gaps []string
	}{
		{"all", everyStep, []string{"greet 1.2", "method 2.1", "check S.1"}},
		{"none", func(string) bool { return false }, nil},
		{"core", func(step string) bool { return golden.StepOf(step).Level == golden.Core }, []string{"greet 1.2", "method 2.1"}},
		{"S.1", func(step string) bool { return step == "S.1" }, []string{"check S.1"}},
	} {
		got, gaps, err := cutGaps("p.go", []byte(read(t, "kit")), c.open)
		must(t, err)
		if diff := cmp.Diff(read(t, c.name), string(got)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", c.name, diff)
		}
		var told []string
		for _, g := range gaps {
			told = append(told, g.function+" "+g.step)
		}
		if diff := cmp.Diff(c.gaps, told); diff != "" {
			t.Errorf("%s: the gaps that were told of: -want +got:\n%s", c.name, diff)
		}
	}
}

// TestLastImport: no import at all is left, however they were written.
func TestLastImport(t *testing.T) {
	for _, imports := range []string{"import \"fmt\"", "import (\n\t\"fmt\"\n)", "import (\n\t\"fmt\"\n\t\"os\"\n)"} {
		src := "package p\n\n" + imports + "\n\n//lab:todo 1.1 x\nfunc f() { fmt.Print(os.Args) }\n"
		got, _, err := cutGaps("p.go", []byte(src), everyStep)
		if want := "package p\n\nfunc f() {\n\tpanic(\"step 1.1 is not written yet: x\")\n}\n"; err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", imports, got, err)
		}
	}
}

// TestBadDirectives: a directive that is wrong, or in the wrong place, is no gap that nobody
// notices.
func TestBadDirectives(t *testing.T) {
	const place = "in the last line of the doc comment of a function with a body"
	for _, c := range []struct{ name, src, says string }{
		{"no text", "//lab:todo 1.1\nfunc f() {}", place},
		{"no step", "//lab:todo write this\nfunc f() {}", place},
		{"another word", "//lab:gap 1.1 x\nfunc f() {}", place},
		{"unknown step", "//lab:todo 1.10 x\nfunc f() {}", "there is no step 1.10"},
		{"strict, no result", "//lab:todo S.1 x\nfunc f() {}", "one result, an error"},
		{"strict, another result", "//lab:todo S.1 x\nfunc f() bool { return true }", "one result, an error"},
		{"strict, two errors", "//lab:todo S.1 x\nfunc f() (a, b error) { return }", "one result, an error"},
		{"no function", "//lab:todo 1.1 x\nvar f int", place},
		{"no body", "//lab:todo 1.1 x\nfunc f()", place},
		{"apart from the function", "//lab:todo 1.1 x\n\nfunc f() {}", place},
		{"not the last line", "//lab:todo 1.1 x\n// f is.\nfunc f() {}", place},
		{"twice", "//lab:todo 1.1 x\n//lab:todo 1.2 x\nfunc f() {}", place},
		{"inside", "func f() {\n//lab:todo 1.1 x\n}", place},
	} {
		_, _, err := cutGaps("http1/p.go", []byte("package p\n\n"+c.src+"\n"), func(string) bool { return false })
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "http1/p.go:") {
			t.Errorf("%s: %v, want http1/p.go: and %q", c.name, err, c.says)
		}
	}
}

// smallKit are the files of a small kit. Those that begin with "copied" are handed out as
// they are.
var smallKit = map[string]string{
	"go.work": "copied", "README.md": "copied\r\nb\n\xff", ".git/HEAD": "x", ".ci/run": "x", ".github/workflows/test.yml": "x", ".github/SECURITY.md": "copied",
	".gitignore": "copied\n# built\n/stage3-client/stage3-client\n*.exe\n.idea/\n\n", ".idea/x": "x", "x.exe": "x", "stage3-client/stage3-client": "x",
	"lab-notes/stage1.md": "copied", "lab-notes/steps/1.1.md": "copied", "lab-notes/instructors.md": "x", "lab-notes/zh/instructors.zh-CN.md": "x",
	"scripts/golden/cases/a.request": "copied", "scripts/golden/a_test.go": "//copied\n\npackage golden\n", "scripts/golden/testdata/a": "copied",
	"scripts/golden/testdata/fuzz/FuzzX/a": "x", "testdata/fuzz/FuzzX/a": "x", "scripts/testdata/fuzzy": "copied",
	"scripts/golden/kit_test.go": "//go:build kit\n\npackage golden\n", "scripts/golden/update.go": "//go:build linux && kit\n\npackage golden\n",
	"scripts/golden/norace.go": "//copied\n\n//go:build !race\n\npackage golden\n\n//go:build kit\n",
	"scripts/handout/main.go":  "package main\n", "scripts/gradescope/setup.sh": "x", "scripts/golden/museum/a.txt": "x", "scripts/internal/hostile/hostile.go": "package hostile\n",
	"stage1-single/main.go": "package main\n\n//lab:todo 1.1 x\nfunc f() {}\n", "stage1-single/main_test.go": "//copied\n\npackage main\n", "stage1-single/http1/a_test.go": "package http1\n",
	"stage1-single/http1/testdata/a": "x", "stage3-client/client.go": "//copied\n\npackage main\n",
}

// layOut writes the small kit to a folder.
func layOut(t *testing.T) (root string) {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range smallKit {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	root = t.TempDir()
	must(t, os.CopyFS(root, files))
	return root
}

func TestWriteCopy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "copy")
	gaps, err := writeCopy(layOut(t), dir, everyStep)
	if err != nil || len(gaps) != 1 {
		t.Fatalf("%d gaps, %v", len(gaps), err)
	}
	want := map[string]string{}
	for name, text := range smallKit {
		if strings.HasPrefix(strings.TrimPrefix(text, "//"), "copied") {
			want[name] = text
		}
	}
	want["stage1-single/main.go"] = "package main\n\nfunc f() {\n\tpanic(\"step 1.1 is not written yet: x\")\n}\n"
	if diff := cmp.Diff(want, filesBelow(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
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

// filesBelow are the files below a directory, by name, with slashes.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	})
	must(t, err)
	return files
}

func TestWhereNot(t *testing.T) {
	root, full := layOut(t), t.TempDir()
	mine := filepath.Join(full, "mine.txt")
	must(t, os.WriteFile(mine, []byte("mine"), 0o644))
	for _, c := range []struct{ name, dir, says string }{
		{"not empty", full, "mine.txt"},
		{"a file", mine, "mine.txt"},
		{"the kit", root, "not empty"},
		{"inside of the kit", filepath.Join(root, "new", "copy"), "inside of the kit"},
	} {
		if _, err := writeCopy(root, c.dir, everyStep); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
	if diff := cmp.Diff(smallKit, filesBelow(t, root)); diff != "" {
		t.Errorf("the kit: -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"mine.txt": "mine"}, filesBelow(t, full)); diff != "" {
		t.Errorf("the other folder: -want +got:\n%s", diff)
	}
}
