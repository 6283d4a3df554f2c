//go:build kit

package golden

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"weblab.example/scripts/internal/kit"
)

// copyWorkspace copies the workspace to a place where it may be broken.
func copyWorkspace(t *testing.T) string {
	t.Helper()
	from, to := filepath.Join("..", ".."), t.TempDir()
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel == ".git" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(name)
		return errors.Join(err, os.WriteFile(filepath.Join(to, rel), data, 0o644))
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// edit replaces a text that a file of the copy has exactly once.
func edit(t *testing.T, root, name, old, new string) (undo func()) {
	t.Helper()
	name = filepath.Join(root, filepath.FromSlash(name))
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(before), old); n != 1 {
		t.Fatalf("%s has %q %d times", name, old, n)
	}
	write := func(data string) {
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.Replace(string(before), old, new, 1))
	return func() { write(string(before)) }
}

// goTest runs go test ./... as the README says.
func goTest(t *testing.T, dir string) (output string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "test", "./...")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// gradedFromCache is what go test says of a package with the checks in it, if
// it did not run them. Unit tests, of http1 and of other scripts, grade nothing.
var gradedFromCache = regexp.MustCompile(`(?m)^ok\s+weblab\.example/(scripts/golden|stage\d-\w+)\s+\(cached\)`)

// TestNeverCached: go test ./... never says ok for a stage that has changed,
// nor for one that was not graded.
func TestNeverCached(t *testing.T) {
	root := copyWorkspace(t)
	stage2 := filepath.Join(root, "stage2-concurrent")
	for _, dir := range []string{root, stage2} {
		if out, ok := goTest(t, dir); !ok || gradedFromCache.MatchString(out) {
			t.Fatalf("the copy, in %s: %s", dir, out)
		}
	}
	for _, c := range []struct {
		name           string
		dir            string // where go test runs
		file, old, new string
		says           string // in the output; "" when it must be ok again, but not cached
	}{
		{"a wrong phrase in http1", root, "stage1-single/http1/response.go", `"Not Found"`, `"not found"`, "stage1-single/step_1.2/sample-no-length"},
		{"seen inside stage 2", stage2, "stage1-single/http1/response.go", `"Not Found"`, `"not found"`, "step_1.2/sample-no-length"},
		{"no goroutine in stage 2", root, "stage2-concurrent/main.go", "go http1.Serve(conn, site)", "http1.Serve(conn, site)", "stage2-concurrent/step_2.1/last-is-first"},
		{"a wrong field in the client", root, "stage3-client/request.go", `"Host: " + w`, `"host: " + w`, "stage3-client/step_3.1/request"},
		{"a comment in the client", root, "stage3-client/request.go", "// where is what", "// where says what", ""},
		{"a comment in http1, seen inside stage 2", stage2, "stage1-single/http1/site.go", "	status := 404\n", "	status := 404\n	var _ = 0\n", ""},
		{"a stage that does not build", root, "stage2-concurrent/main.go", "package main", "package main\n\nvar x int = nil", "stage2-concurrent could not be built"},
		{"a stage that go.work does not name", root, "go.work", "	./stage3-client\n", "", "go.work does not name stage3-client"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer edit(t, root, c.file, c.old, c.new)()
			out, ok := goTest(t, c.dir)
			if gradedFromCache.MatchString(out) {
				t.Errorf("answered from the cache:\n%s", out)
			}
			if ok != (c.says == "") || !strings.Contains(out, c.says) {
				t.Errorf("ok: %v, want %q in\n%.3000s", ok, c.says, out)
			}
		})
	}
	t.Run("a module that no check knows", func(t *testing.T) {
		defer edit(t, root, "go.work", "	./stage3-client\n", "	./stage3-client\n	./stage4\n")()
		if err := os.MkdirAll(filepath.Join(root, "stage4"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "stage4", "go.mod"), []byte("module weblab.example/stage4\n\ngo 1.25.0\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, ok := goTest(t, root); ok || !strings.Contains(out, "no check grades it") {
			t.Errorf("ok: %v\n%s", ok, out)
		}
	})
}

// TestStopGrace: an answer that is never read to its end has 5 seconds.
func TestStopGrace(t *testing.T) {
	for _, folder := range []string{"stage1-single", "stage2-concurrent"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			labs, err := openLabs(t.Context(), Program{Args: []string{build(t, filepath.Join("..", ".."), folder)}}, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer labs.close()
			l, err := labs.take("only", nil)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := askHuge(l)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := l.proc.signal(syscall.SIGTERM); err != nil {
				t.Skip(err)
			}
			start := time.Now()
			status, err := l.proc.wait(10 * time.Second)
			if took := time.Since(start); err != nil || status != 0 || took < 4500*time.Millisecond {
				t.Errorf("after %v: status %d, %v", took, status, err)
			}
		})
	}
}

// TestPointsEverywhere: a level has the same points on every machine. Here is one
// that has nothing of what not every machine has.
func TestPointsEverywhere(t *testing.T) {
	for folder, stage := range kit.Stages {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			results := gradeInTest(t, Checks(stage), Program{Args: []string{build(t, filepath.Join("..", ".."), folder)}, poor: true})
			excused := 0
			for _, r := range results {
				if r.Excused() {
					excused++
				}
				if r.Status != Passed && !(r.Excused() && r.Weight == 0) {
					t.Errorf("weight %d: %s", r.Weight, r)
				}
			}
			if stage != 2 && excused == 0 {
				t.Error("every check was run: nothing was missing")
			}
		})
	}
}

// TestInstructorsTable: the instructors' page has the points of every step.
func TestInstructorsTable(t *testing.T) {
	for page, stageWord := range map[string]string{"instructors.md": "stage", "instructors.zh-CN.md": "阶段"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "lab-notes", page))
		if err != nil {
			t.Fatal(err)
		}
		for stage := 1; stage <= 3; stage++ {
			row, sum := fmt.Sprintf("| %s %d |", stageWord, stage), 0
			for _, level := range Levels {
				var cell []string
				for _, step := range Steps {
					if step.Stage == stage && step.Level == level {
						cell = append(cell, fmt.Sprintf("%s: %d", step.ID, step.Points))
						sum += step.Points
					}
				}
				row += strings.TrimRight(" "+strings.Join(cell, ", "), " ") + " |"
			}
			if row += fmt.Sprintf(" %d |", sum); !strings.Contains(string(text), row) {
				t.Errorf("%s has no row %s", page, row)
			}
		}
	}
}
