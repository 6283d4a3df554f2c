//go:build kit

package main

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
)

// handedOut writes a copy of this kit.
func handedOut(t *testing.T, open func(step string) bool) (dir string, gaps []gap) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "copy")
	gaps, err := writeCopy(filepath.Join("..", ".."), dir, open)
	must(t, err)
	return dir, gaps
}

// TestStudentsCopy looks at the copy that has a gap for each step.
func TestStudentsCopy(t *testing.T) {
	dir, gaps := handedOut(t, everyStep)
	files := filesBelow(t, dir)
	nothingLeaks(t, files, gaps)
	linksLead(t, files, dir)
	sizesOfSteps(t, gaps)
	oneLevel(t, gaps)
	vetted(t, dir)
}

// words is a text without its line ends, indentation and comment marks.
func words(text string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("//", " ", "/*", " ", "*/", " ").Replace(text)), " ")
}

// telling are the lines of code that say something: with a call, or at least four
// words. A brace, "return err" or "case err != nil:" does not.
func telling(code string) (lines []string) {
	for line := range strings.Lines(code) {
		if line = words(line); line != "" && (strings.Contains(line, "(") || strings.Count(line, " ") >= 3) {
			lines = append(lines, line)
		}
	}
	return lines
}

// nothingLeaks: no comment of three words or more, and no run of three telling lines,
// or all of them where there are fewer, of a body that was taken out is anywhere in the
// copy, lab notes included. Line ends and indentation do not matter.
func nothingLeaks(t *testing.T, files map[string]string, gaps []gap) {
	copied := map[string]string{} // by name
	for name, text := range files {
		if path.Ext(name) == ".go" && strings.Contains(text, "//lab:") {
			t.Errorf("%s has a directive", name)
		}
		copied[name] = words(text) + "\n" + strings.Join(telling(text), " ")
	}
	parts := 0
	for _, g := range gaps {
		found := solutionParts(g.body)
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
func solutionParts(body string) (parts []string) {
	for _, m := range comment.FindAllStringSubmatch(body, -1) {
		if text := words(m[1]); strings.Count(text, " ") >= 2 {
			parts = append(parts, text)
		}
	}
	lines := telling(body)
	run := min(3, len(lines))
	for i := max(run, 1); i <= len(lines); i++ {
		parts = append(parts, strings.Join(lines[i-run:i], " "))
	}
	return parts
}

var (
	comment = regexp.MustCompile(`(?m)\s//(.*)$`) // no body has another sort
	link    = regexp.MustCompile(`\]\(([^):#]+)\)`)
)

// linksLead: no link in the copy leads to what is not in it.
func linksLead(t *testing.T, files map[string]string, dir string) {
	for name, text := range files {
		if path.Ext(name) != ".md" || strings.HasPrefix(name, "scripts/golden/site/") {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(dir, path.Dir(name), m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// oneLine are steps whose work is to find out what the one line is.
var oneLine = []string{"2.2", "2.3"}

// sizesOfSteps: a student holds a step in the head. Its functions have 4 to 35 lines
// together, and what a core function has to do is said in 8 lines.
func sizesOfSteps(t *testing.T, gaps []gap) {
	for _, step := range golden.Steps {
		functions, write := 0, 0
		for _, g := range gaps {
			if g.step != step.ID {
				continue
			}
			functions++
			for line := range strings.Lines(g.body) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
					write++
				}
			}
			if doc := strings.Count(g.doc, "\n"); step.Level == golden.Core && doc > 8 {
				t.Errorf("%s: the comment of %s, of step %s, has %d lines", g.file, g.function, g.step, doc)
			}
		}
		if step.Level == "" {
			continue // the textbook's checks are no step of a student's
		}
		t.Logf("%s, %s, %d points: %d functions, %d lines to write", step.ID, step.Level, step.Points, functions, write)
		if (write < 4) != slices.Contains(oneLine, step.ID) || write > 35 {
			t.Errorf("step %s has %d lines to write", step.ID, write)
		}
	}
}

// oneLevel: a file is for one level, so that who writes the core meets nothing of the
// others.
func oneLevel(t *testing.T, gaps []gap) {
	levels := map[string]golden.Level{} // by file
	for _, g := range gaps {
		level := golden.StepOf(g.step).Level
		if other, ok := levels[g.file]; ok && other != level {
			t.Errorf("%s has functions of %s and, with %s, of %s", g.file, other, g.function, level)
		}
		levels[g.file] = level
	}
}

// vetted: each module of the copy compiles, in the workspace and alone, and go vet has
// nothing to say. That the stages can be linked, other tests show.
func vetted(t *testing.T, dir string) {
	for _, module := range []string{".", kit.Folder(1), kit.Folder(2), kit.Folder(3)} {
		for _, work := range []string{"", "off"} {
			cmd := exec.Command("go", "vet", "-trimpath", "./...")
			cmd.Dir = filepath.Join(dir, module)
			cmd.Env = append(os.Environ(), "GOWORK="+work)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("in %s with GOWORK=%s: %v\n%s", module, work, err, out)
			}
		}
	}
}
