//go:build kit

package golden

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weblab.example/scripts/internal/kit"
)

// copyWorkspace copies the workspace to a place where it may be broken: the stages, these
// checks, and what they need. The other scripts grade nothing by themselves.
func copyWorkspace(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	skip := regexp.MustCompile(`^scripts/(bench|compare|grade|gradescope|handout|internal/(hostile|notes))/`)
	if _, err := kit.CopyFiles(to, filepath.Join("..", ".."), func(name string) bool { return !skip.MatchString(name) }); err != nil {
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
	t.Parallel()
	root := copyWorkspace(t)
	stage2 := filepath.Join(root, "stage2-concurrent")
	if err := os.Mkdir(filepath.Join(root, "stage4"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "stage4", "go.mod"), []byte("module weblab.example/stage4\n\ngo 1.25.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	type change struct{ file, old, new string }
	for _, c := range []struct {
		name    string
		dirs    []string // where go test runs
		changes []change
		says    []string // in the output, but of stage 3 only in the root's; nil when it must be ok, but not cached
	}{
		{"as it is", []string{root}, nil, nil}, // stage 2 is the same program in any copy
		{"a mistake in each module", []string{root, stage2}, []change{
			{"stage1-single/http1/response.go", `501: "Not Implemented"`, `501: "Not implemented"`},
			{"stage2-concurrent/main.go", "go http1.Serve(conn, site)", "http1.Serve(conn, site)"},
			{"stage3-client/request.go", `"Host: " + w`, `"host: " + w`},
		}, []string{"step_1.7/method-unknown", "step_2.1/last-is-first", "stage3-client/step_3.1/request"}},
		{"what changes no answer", []string{root, stage2}, []change{
			{"stage1-single/http1/site.go", "	status := 404\n", fmt.Sprintf("	status := 404\n	if len(os.Args) > 1000 {\n		panic(%q)\n	}\n", time.Now())}, // a program that nobody has had before
			{"stage3-client/request.go", "// where is what", "// where says what"},
		}, nil},
		{"a stage that does not build, one that go.work does not name, and one that no check knows", []string{root}, []change{
			{"stage2-concurrent/main.go", "package main", "package main\n\nvar x int = nil"},
			{"go.work", "	./stage3-client\n", "	./stage4\n"},
		}, []string{"stage2-concurrent could not be built", "go.work does not name stage3-client", "go.work names stage4, and no check grades it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, change := range c.changes {
				defer edit(t, root, change.file, change.old, change.new)()
			}
			for _, dir := range c.dirs {
				out, ok := goTest(t, dir)
				if gradedFromCache.MatchString(out) {
					t.Errorf("in %s: answered from the cache:\n%s", dir, out)
				}
				if ok != (c.says == nil) {
					t.Errorf("in %s: ok is %v\n%.3000s", dir, ok, out)
				}
				for _, says := range c.says {
					if !strings.Contains(out, says) && !(dir == stage2 && strings.Contains(says, "stage3")) {
						t.Errorf("in %s: no %q in\n%.3000s", dir, says, out)
					}
				}
			}
		})
	}
}

// TestStopGrace: an answer that is never read to its end has 5 seconds.
func TestStopGrace(t *testing.T) {
	for _, folder := range []string{"stage1-single", "stage2-concurrent"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			session, err := openSession(t.Context(), Program{Args: []string{build(t, filepath.Join("..", ".."), folder)}}, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer session.close()
			l, err := session.take("only", nil)
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
			status, err := l.proc.Wait(10 * time.Second)
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
			checks := slices.DeleteFunc(Checks(stage), func(c Check) bool { return c.system == "" })
			if len(checks) == 0 {
				t.Fatal("no check needs anything")
			}
			for _, r := range Grade(t.Context(), checks, Program{Args: []string{build(t, filepath.Join("..", ".."), folder)}, poor: true}, 1) {
				if !r.Excused() || r.Weight > 0 {
					t.Errorf("weight %d: %s", r.Weight, r)
				}
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
