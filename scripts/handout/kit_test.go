//go:build kit

package main

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weblab.example/scripts/golden"
)

// handedOut writes a copy of this kit.
func handedOut(t *testing.T, open func(step string) bool) (dir string, gaps []gap) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "copy")
	gaps, err := writeCopy(filepath.Join("..", ".."), dir, func(_ int, step string) bool { return open(step) })
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
// telling lines, of a body that was taken out is anywhere in the copy, lab notes
// included. Line ends and indentation do not matter.
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
		for _, part := range solutionParts(t, g.body) {
			parts++
			for name, text := range copied {
				if strings.Contains(text, part) {
					t.Errorf("%s has, of step %s: %s", name, g.step, part)
				}
			}
		}
	}
	if len(gaps) < 30 || parts < 200 {
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
	for i := 3; i <= len(lines); i++ {
		parts = append(parts, strings.Join(lines[i-3:i], " "))
	}
	return parts
}

// TestCopyBuilds: each module of the copy builds, in the workspace and alone,
// and go vet has nothing to say.
func TestCopyBuilds(t *testing.T) {
	dir, _ := handedOut(t, everyStep)
	for _, module := range []string{".", golden.Folder(1), golden.Folder(2), golden.Folder(3)} {
		for _, work := range []string{"", "off"} {
			for _, args := range [][]string{{"build", "-o", os.DevNull, "./..."}, {"vet", "./..."}} {
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

// grade grades a stage of a copy.
func grade(t *testing.T, dir string, stage int) []golden.Result {
	t.Helper()
	program := filepath.Join(t.TempDir(), "stage.exe") // Windows needs the ending, the others do not mind
	cmd := exec.Command("go", "build", "-o", program, "./"+golden.Folder(stage))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return golden.Grade(t.Context(), golden.Checks(stage), golden.Program{Args: []string{program}}, 1)
}

// allSteps lists the steps in the order in which they are written.
func allSteps() (steps []string) {
	for stage := 1; stage <= 3; stage++ {
		for _, c := range golden.Checks(stage) {
			steps = append(steps, c.Step)
		}
	}
	slices.Sort(steps)
	return slices.Compact(steps)
}

// TestStepByStep puts the bodies back one step at a time, in order. What is
// written passes; the next step is told to be not written yet; those after it,
// and a stage that needs it, are not run.
func TestStepByStep(t *testing.T) {
	last := "" // the last step that is written
	for _, next := range append(allSteps(), "end") {
		t.Run("before "+next, func(t *testing.T) {
			dir, _ := handedOut(t, func(step string) bool { return step > last })
			for stage := 1; stage <= 3; stage++ {
				of := string(rune('0' + stage))
				if strings.HasPrefix(last, of) || strings.HasPrefix(next, of) {
					compare(t, grade(t, dir, stage), of, last, next)
				}
			}
		})
		last = next
	}
}

// compare looks at the grades of a stage when last is written and next is not.
func compare(t *testing.T, results []golden.Result, stage, last, next string) {
	t.Helper()
	allPassed := true // of the next step
	for _, r := range results {
		begun := strings.HasPrefix(last, stage) // the stage has a loop, or a request
		passed := r.Status == golden.Passed || r.Excused()
		says := strings.Contains(r.Why, "step "+next+" is not written yet")
		switch {
		case r.Step <= last && (begun || r.Step[:1] == stage):
			if !passed {
				t.Errorf("%s is written, but\n%s", last, r)
			}
		case r.Step == next:
			allPassed = allPassed && passed
			if r.Status != golden.Failed || !says {
				t.Errorf("want failed, because step %s is not written yet:\n%s", next, r)
			}
		case r.Status != golden.NotRun || r.Step < next && !says:
			t.Errorf("want not run:\n%s", r)
		}
	}
	if allPassed && strings.HasPrefix(next, stage) {
		t.Errorf("every check of step %s passed before it was written", next)
	}
}

// TestUnwrittenHTTP: what a solved stage cannot do because http1 has gaps is
// not its failure.
func TestUnwrittenHTTP(t *testing.T) {
	dir, _ := handedOut(t, func(step string) bool { return step < "2" })
	gap := regexp.MustCompile(`step 1\.[0-9] is not written yet`)
	for stage := 2; stage <= 3; stage++ {
		told := 0
		for _, r := range grade(t, dir, stage) {
			if r.Status == golden.Failed {
				t.Errorf("stage %d: want not run:\n%s", stage, r)
			}
			if gap.MatchString(r.Why) {
				told++
			}
		}
		if told == 0 {
			t.Errorf("stage %d: no check says what is not written yet", stage)
		}
	}
}
