//go:build kit

package main

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"weblab.example/scripts/internal/kit"
)

// handedOut writes a copy of this kit.
func handedOut(t *testing.T, open func(step string) bool) (dir string, gaps []gap) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "copy")
	gaps, err := writeCopy(filepath.Join("..", ".."), dir, open)
	if err != nil {
		t.Fatal(err)
	}
	return dir, gaps
}

func everyStep(string) bool { return true }

// words is a text without its line ends, indentation and comment marks.
func words(text string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("//", " ", "/*", " ", "*/", " ").Replace(text)), " ")
}

// telling reports whether a line of code says something: it has a call, or at
// least four words. A brace, "return err" or "case err != nil:" does not.
func telling(line string) bool {
	return line != "" && (strings.Contains(line, "(") || strings.Count(line, " ") >= 3)
}

// TestNothingLeaks: no comment of three words or more, and no run of three
// telling lines, or all of them where there are fewer, of a body that was taken
// out is anywhere in the copy, lab notes included. Line ends and indentation do
// not matter.
func TestNothingLeaks(t *testing.T) {
	dir, gaps := handedOut(t, everyStep)
	copied := map[string]string{} // by name
	for _, name := range filesBelow(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(name) == ".go" && strings.Contains(string(text), "//lab:") {
			t.Errorf("%s has a directive", name)
		}
		var lines []string
		for line := range strings.Lines(string(text)) {
			if line = words(line); telling(line) {
				lines = append(lines, line)
			}
		}
		copied[name] = words(string(text)) + "\n" + strings.Join(lines, " ")
	}
	parts := 0
	for _, g := range gaps {
		found := solutionParts(t, g.body)
		if parts += len(found); len(found) == 0 {
			t.Errorf("%s: nothing of %s, of step %s, was looked for", g.file, g.function, g.step)
		}
		for _, part := range found {
			for name, text := range copied {
				if strings.Contains(text, part) {
					t.Errorf("%s has, of step %s: %s", name, g.step, part)
				}
			}
		}
	}
	if len(gaps) < 45 || parts < 130 {
		t.Errorf("only %d gaps with %d parts were looked for", len(gaps), parts)
	}
}

// solutionParts lists what of a body gives it away.
func solutionParts(t *testing.T, body string) (parts []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {"+body+"}", parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if text := words(c.Text); strings.Count(text, " ") >= 2 {
				parts = append(parts, text)
			}
		}
	}
	var lines []string
	for line := range strings.Lines(body) {
		if line = words(line); telling(line) {
			lines = append(lines, line)
		}
	}
	run := min(3, len(lines))
	for i := max(run, 1); i <= len(lines); i++ {
		parts = append(parts, strings.Join(lines[i-run:i], " "))
	}
	return parts
}

// TestCopyBuilds: each module of the copy builds, in the workspace and alone,
// and go vet has nothing to say.
func TestCopyBuilds(t *testing.T) {
	dir, _ := handedOut(t, everyStep)
	for _, module := range []string{".", kit.Folder(1), kit.Folder(2), kit.Folder(3)} {
		for _, work := range []string{"", "off"} {
			for _, args := range [][]string{{"build", "-trimpath", "-o", os.DevNull, "./..."}, {"vet", "-trimpath", "./..."}} {
				cmd := exec.Command("go", args...)
				cmd.Dir = filepath.Join(dir, module)
				cmd.Env = append(os.Environ(), "GOWORK="+work)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("in %s with GOWORK=%s, go %s: %v\n%s", module, work, strings.Join(args, " "), err, out)
				}
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^):#]+)\)`)

// TestLinks: no link in the copy leads to what is not in it.
func TestLinks(t *testing.T) {
	dir, _ := handedOut(t, everyStep)
	for _, name := range filesBelow(t, dir) {
		if filepath.Ext(name) != ".md" || strings.HasPrefix(name, "scripts/golden/site/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(dir, filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
