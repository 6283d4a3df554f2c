//go:build kit

package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

// each runs a test of each name, two at once: they wait most of their time, for
// servers that do not answer yet.
func each(t *testing.T, names []string, test func(t *testing.T, i int, name string)) {
	t.Parallel()
	var all errgroup.Group
	all.SetLimit(2)
	for i, name := range names {
		all.Go(func() error {
			t.Run(name, func(t *testing.T) { test(t, i, name) })
			return nil
		})
	}
	all.Wait() // what is wrong is told by the tests themselves
}

// stepsOf are the steps of some levels, in their order.
func stepsOf(levels ...golden.Level) (ids []string) {
	for _, s := range golden.Steps {
		if slices.Contains(levels, s.Level) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// build builds a stage of a copy. Without the names of folders in it, what is the same
// in another copy is not compiled again.
func build(t *testing.T, dir string, stage int) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "stage.exe") // Windows needs the ending, the others do not mind
	must(t, kit.Build(t.Context(), dir, kit.Folder(stage), program, false, "GOFLAGS=-trimpath"))
	return program
}

// grade runs those checks of a stage whose step is wanted.
func grade(t *testing.T, program string, stage int, wanted func(golden.Step) bool) []golden.Result {
	checks := slices.DeleteFunc(golden.Checks(stage), func(c golden.Check) bool { return !wanted(golden.StepOf(c.Step)) })
	return golden.Grade(t.Context(), checks, golden.Program{Args: []string{program}}, 1)
}

func passed(r golden.Result) bool { return r.Status == golden.Passed || r.Excused() }

// TestStepByStep writes one step after another, and none of the strict level. What is
// written passes; the next step is told to be not written yet, and the checks of those
// after it are not run. A step that could be done without any work of the student's
// would be no step.
func TestStepByStep(t *testing.T) {
	steps := stepsOf(golden.Core, golden.Protocol)
	each(t, steps, func(t *testing.T, i int, id string) {
		next, last := golden.StepOf(id), golden.Step{} // last is the one that is written last
		if i > 0 {
			last = golden.StepOf(steps[i-1])
		}
		dir, _ := handedOut(t, func(step string) bool { return step > last.ID })
		program := build(t, dir, next.Stage)
		for _, r := range grade(t, program, next.Stage, func(s golden.Step) bool { return s.Stage == next.Stage && s.Level != golden.Strict }) {
			unwritten := strings.Contains(r.Why, "step "+next.ID+" is not written yet")
			switch {
			case r.Step < next.ID && !passed(r):
				t.Errorf("%s is written, but\n%s", r.Step, r)
			case r.Step == next.ID && (r.Status != golden.Failed || !unwritten):
				t.Errorf("want failed, because step %s is not written yet:\n%s", next.ID, r)
			case r.Step > next.ID && (r.Status != golden.NotRun || !unwritten):
				t.Errorf("want not run, because step %s is not written yet:\n%s", next.ID, r)
			}
		}
		if last.Stage == 1 || last.Stage == 2 {
			if last.Stage != next.Stage {
				program = build(t, dir, last.Stage)
			}
			lookAt(t, program, dir, last.ID, next.ID)
		}
	})
}

// lookAt looks at the page of a server: something shows in a browser after each step
// from 1.1 on. It names the next step, until the file itself comes.
func lookAt(t *testing.T, program, dir, last, next string) {
	t.Helper()
	www := filepath.Join(dir, kit.Folder(1), "www")
	hello, err := os.ReadFile(filepath.Join(www, "HelloWorld.html"))
	must(t, err)
	var log bytes.Buffer
	server, err := launch.Serve(t.Context(), &log, program, "-addr", "localhost:0", "-root", www)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	resp, err := http.Get("http://" + server.Addr + "/HelloWorld.html")
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("after %q: %v", body, err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	switch says := func(text string) bool { return bytes.Contains(body, []byte(text)) }; {
	case last >= "1.5" && (resp.StatusCode != 200 || !bytes.Equal(body, hello)):
		t.Errorf("want the file, got %d, %q\n%s", resp.StatusCode, body, &log)
	case last < "1.5" && (resp.StatusCode != 500 || !says("step "+next+" is not written yet")):
		t.Errorf("want 500 and step %s, got %d, %q\n%s", next, resp.StatusCode, body, &log)
	case last < "1.5" && says("answers are not written yet") != (last == "1.1"):
		t.Errorf("want given bytes before step 1.2 is written, and only then; got %q", body)
	}
}

// TestStrictSteps: a step of the strict level needs the core and nothing else.
func TestStrictSteps(t *testing.T) {
	each(t, stepsOf(golden.Strict), func(t *testing.T, _ int, id string) {
		step := golden.StepOf(id)
		dir, _ := handedOut(t, func(other string) bool { return golden.StepOf(other).Level != golden.Core && other != id })
		for _, r := range grade(t, build(t, dir, step.Stage), step.Stage, func(s golden.Step) bool {
			return s.ID == step.ID || s.Level == golden.Protocol && s.Stage == step.Stage // some checks need one of these, too
		}) {
			if r.Step == step.ID && !passed(r) {
				t.Errorf("the core and %s are written, but\n%s", step.ID, r)
			}
		}
	})
}

// TestLevels grades the copy of each level as it is handed out, and with more of it
// written. What is written has all of its points, and what is not has none.
func TestLevels(t *testing.T) {
	open := []string{"strict", "core", "core protocol", "protocol", "core protocol strict"} // the first one takes longest
	each(t, open, func(t *testing.T, _ int, open string) {
		isOpen := func(l golden.Level) bool { return strings.Contains(open, string(l)) }
		dir, _ := handedOut(t, func(id string) bool { return isOpen(golden.StepOf(id).Level) })
		var stages [4][]golden.Result // by number
		var graded errgroup.Group
		for stage := 1; stage <= 3; stage++ {
			program := build(t, dir, stage)
			graded.Go(func() error {
				stages[stage] = grade(t, program, stage, func(s golden.Step) bool { return s.Stage == stage })
				return nil
			})
		}
		graded.Wait()                      // none of them fails
		of := map[string][]golden.Result{} // by step
		for _, r := range slices.Concat(stages[:]...) {
			of[r.Step] = append(of[r.Step], r)
		}
		for id, results := range of {
			level := golden.StepOf(id).Level
			written := !isOpen(level) && !isOpen(golden.Core)
			if earned, most := golden.Score(results); earned != 0 && !written || earned != most && written {
				t.Errorf("step %s has %d points of %d", id, earned, most)
			}
			for _, r := range results {
				if written && !passed(r) {
					t.Errorf("is written:\n%s", r)
				}
				if r.Status == golden.Failed && level == golden.Strict && strings.Contains(r.Why, "not written yet") {
					t.Errorf("want a word about what it does not refuse:\n%s", r)
				}
			}
		}
	})
}
