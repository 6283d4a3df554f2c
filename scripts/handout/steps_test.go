//go:build kit

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

// build builds a stage of a copy. With -trimpath what is the same in another
// copy is not compiled again.
func build(t *testing.T, dir string, stage int) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "stage.exe") // Windows needs the ending, the others do not mind
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", program, "./"+kit.Folder(stage))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// grade runs those checks of a stage whose step is wanted.
func grade(t *testing.T, program string, stage int, wanted func(golden.Step) bool) []golden.Result {
	checks := slices.DeleteFunc(golden.Checks(stage), func(c golden.Check) bool { return !wanted(golden.StepOf(c.Step)) })
	return golden.Grade(t.Context(), checks, golden.Program{Args: []string{program}}, 1)
}

// inOrder lists the steps that are written one after another: all but those of
// the strict level, which need nothing but the core.
func inOrder() (steps []golden.Step) {
	for _, s := range golden.Steps {
		if s.Level == golden.Core || s.Level == golden.Protocol {
			steps = append(steps, s)
		}
	}
	return steps
}

func passed(r golden.Result) bool { return r.Status == golden.Passed || r.Excused() }

// TestStepByStep writes one step after another, and none of the strict level.
// What is written passes; the next step is told to be not written yet, and the
// checks of those after it are not run. A step that could be done without any
// work of the student's would be no step.
func TestStepByStep(t *testing.T) {
	steps := inOrder()
	for i, next := range steps {
		last := "" // the last step that is written
		if i > 0 {
			last = steps[i-1].ID
		}
		t.Run("before "+next.ID, func(t *testing.T) {
			t.Parallel()
			dir, _ := handedOut(t, func(step string) bool { return step > last })
			results := grade(t, build(t, dir, next.Stage), next.Stage, func(s golden.Step) bool {
				return s.Stage == next.Stage && s.Level != golden.Strict && s.ID >= last
			})
			for _, r := range results {
				unwritten := strings.Contains(r.Why, "step "+next.ID+" is not written yet")
				switch {
				case r.Step == last && !passed(r):
					t.Errorf("%s is written, but\n%s", last, r)
				case r.Step == next.ID && (r.Status != golden.Failed || !unwritten):
					t.Errorf("want failed, because step %s is not written yet:\n%s", next.ID, r)
				case r.Step > next.ID && (r.Status != golden.NotRun || !unwritten):
					t.Errorf("want not run, because step %s is not written yet:\n%s", next.ID, r)
				}
			}
		})
	}
}

// TestStrictSteps: a step of the strict level needs the core and nothing else.
func TestStrictSteps(t *testing.T) {
	for _, step := range golden.Steps {
		if step.Level != golden.Strict {
			continue
		}
		t.Run(step.ID, func(t *testing.T) {
			t.Parallel()
			dir, _ := handedOut(t, func(id string) bool { return golden.StepOf(id).Level != golden.Core && id != step.ID })
			for _, r := range grade(t, build(t, dir, step.Stage), step.Stage, func(s golden.Step) bool {
				return s.ID == step.ID || s.Level == golden.Protocol && s.Stage == step.Stage // some checks need one of these, too
			}) {
				if r.Step == step.ID && !passed(r) {
					t.Errorf("the core and %s are written, but\n%s", step.ID, r)
				}
			}
		})
	}
}

// TestPageAfterEachStep: something shows in a browser after each step from 1.1
// on. It names the next step, until the file itself comes.
func TestPageAfterEachStep(t *testing.T) {
	hello, err := os.ReadFile(filepath.Join("..", "..", kit.Folder(1), "www", "HelloWorld.html"))
	if err != nil {
		t.Fatal(err)
	}
	steps := inOrder()
	for i, step := range steps[:len(steps)-1] {
		if step.Stage == 3 {
			break
		}
		t.Run("with "+step.ID, func(t *testing.T) {
			t.Parallel()
			dir, _ := handedOut(t, func(id string) bool { return id > step.ID })
			var log bytes.Buffer
			server, err := launch.Serve(t.Context(), &log, build(t, dir, step.Stage), "-addr", "localhost:0", "-root", filepath.Join(dir, kit.Folder(1), "www"))
			if err != nil {
				t.Fatalf("%v\n%s", err, &log)
			}
			status, body := get(t, "http://"+server.Addr+"/HelloWorld.html")
			server.Stop()
			next := "step " + steps[i+1].ID + " is not written yet"
			switch {
			case step.ID >= "1.5" && (status != 200 || body != string(hello)):
				t.Errorf("want the file, got %d, %q\n%s", status, body, &log)
			case step.ID < "1.5" && (status != 500 || !strings.Contains(body, next)):
				t.Errorf("want 500 and %q, got %d, %q\n%s", next, status, body, &log)
			case step.ID < "1.5" && strings.Contains(body, "answers are not written yet") != (step.ID == "1.1"):
				t.Errorf("want given bytes before step 1.2 is written, and only then; got %q", body)
			}
		})
	}
}

// get is what a browser does first.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("after %q: %v", text, err)
	}
	return resp.StatusCode, string(text)
}

// TestLevels grades the copy of each level as it is handed out, and with more of
// it written. What is written has all of its points, and what is not has none.
// With -v it prints what grade says.
func TestLevels(t *testing.T) {
	const core, protocol, strict = golden.Core, golden.Protocol, golden.Strict
	rows := []struct {
		copies, written string
		open            []golden.Level
		points          map[golden.Level][2]int // earned, and most
		failed, notRun  int
	}{
		{copies: "core", written: "nothing", open: []golden.Level{core}},
		{copies: "protocol", written: "nothing", open: []golden.Level{core, protocol}},
		{copies: "protocol", written: "core", open: []golden.Level{protocol}},
		{copies: "strict", written: "nothing", open: []golden.Level{core, protocol, strict}},
		{copies: "strict", written: "core", open: []golden.Level{protocol, strict}},
		{copies: "strict", written: "core, protocol", open: []golden.Level{strict}},
		{copies: "any", written: "all"},
	}
	t.Run("all", func(t *testing.T) { // ends when those that run at the same time have ended
		for i := range rows {
			row := &rows[i]
			t.Run(row.copies+", written "+row.written, func(t *testing.T) {
				t.Parallel()
				isOpen := func(l golden.Level) bool { return slices.Contains(row.open, l) }
				dir, _ := handedOut(t, func(id string) bool { return isOpen(golden.StepOf(id).Level) })
				cmd := exec.CommandContext(t.Context(), "go", "vet", "-trimpath", "./...", "./"+kit.Folder(1)+"/...", "./"+kit.Folder(2)+"/...", "./"+kit.Folder(3)+"/...")
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("go vet: %v\n%s", err, out)
				}
				var stages [4][]golden.Result // by number
				var graded sync.WaitGroup
				for stage := 1; stage <= 3; stage++ {
					program := build(t, dir, stage)
					graded.Go(func() {
						stages[stage] = grade(t, program, stage, func(s golden.Step) bool { return s.Stage == stage })
					})
				}
				graded.Wait()
				of := map[string][]golden.Result{} // by step
				for _, r := range slices.Concat(stages[:]...) {
					of[r.Step] = append(of[r.Step], r)
					level := golden.StepOf(r.Step).Level
					if !passed(r) && !isOpen(level) && !isOpen(core) {
						t.Errorf("is written:\n%s", r)
					}
					switch r.Status {
					case golden.Failed:
						row.failed++
						if level == strict && strings.Contains(r.Why, "not written yet") {
							t.Errorf("want a word about what it does not refuse:\n%s", r)
						}
					case golden.NotRun:
						row.notRun++
					}
				}
				row.points = map[golden.Level][2]int{}
				for id, results := range of {
					earned, most := golden.Score(results)
					level := golden.StepOf(id).Level
					if isOpen(core) || isOpen(level) {
						most = 0
					}
					if earned != most {
						t.Errorf("step %s has %d points, want %d", id, earned, most)
					}
					row.points[level] = [2]int{row.points[level][0] + earned, row.points[level][1] + golden.StepOf(id).Points}
				}
			})
		}
	})
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\n-level\twritten\tcore\tprotocol\tstrict\tchecks failed\tnot run\t")
	for _, row := range rows {
		fmt.Fprintf(w, "%s\t%s\t", row.copies, row.written)
		for _, l := range golden.Levels {
			fmt.Fprintf(w, "%d/%d\t", row.points[l][0], row.points[l][1])
		}
		fmt.Fprintf(w, "%d\t%d\t\n", row.failed, row.notRun)
	}
	w.Flush()
	t.Log(table.String())
}

// oneLine are steps whose work is to find out what the one line is.
var oneLine = []string{"2.2", "2.3"}

// TestSizeOfSteps: a student holds a step in the head. Its functions have 4 to
// 35 lines together, and what a core function has to do is said in 8 lines. With
// -v it prints these for all steps.
func TestSizeOfSteps(t *testing.T) {
	_, gaps := handedOut(t, everyStep)
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nstep\tlevel\tpoints\tfunctions\tlines of comment\tlines to write\t")
	for _, step := range golden.Steps {
		functions, comment, write := 0, 0, 0
		for _, g := range gaps {
			if g.step != step.ID {
				continue
			}
			functions++
			doc := len(strings.Split(strings.TrimSpace(g.doc), "\n"))
			comment += doc
			write += codeLines(g.body)
			if step.Level == golden.Core && doc > 8 {
				t.Errorf("%s: the comment of %s, of step %s, has %d lines", g.file, g.function, g.step, doc)
			}
		}
		if step.Level == "" {
			continue // the textbook's checks are no step of a student's
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t\n", step.ID, step.Level, step.Points, functions, comment, write)
		if (write < 4) != slices.Contains(oneLine, step.ID) || write > 35 {
			t.Errorf("step %s has %d lines to write", step.ID, write)
		}
	}
	w.Flush()
	t.Log(table.String())
}

// codeLines counts the lines of a body that are not empty and not a comment.
func codeLines(body string) (n int) {
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

// TestRooms: a file is for one level, so that who writes the core meets nothing
// of the others.
func TestRooms(t *testing.T) {
	_, gaps := handedOut(t, everyStep)
	levels := map[string]golden.Level{} // by file
	for _, g := range gaps {
		level := golden.StepOf(g.step).Level
		if other, ok := levels[g.file]; ok && other != level {
			t.Errorf("%s has functions of %s and, with %s, of %s", g.file, other, g.function, level)
		}
		levels[g.file] = level
	}
}
