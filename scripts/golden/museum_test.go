//go:build kit

package golden

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/verdict"
)

// The museum of mistakes: museum/*.txt has the wrong programs that students write, which
// check finds each of them, and what it says. They are the kit's own stages, but for a
// line or two.

var (
	museumOnly  = flag.String("museum", "", "grade only the mistakes whose names have this in them")
	museumWhole = flag.Bool("museum-whole", false, "run all checks up to a mistake's own, and not only those of its step")
)

// A showing is a mistake in a stage, and what the checks say about it.
type showing struct {
	mistake
	stage   int
	program Program
	checks  []Check // the last one should fail, and none before it
	results []Result
}

func (s *showing) String() string { return fmt.Sprintf("stage %d/%s", s.stage, s.name) }

// grade runs the checks.
func (s *showing) grade() { s.results = Grade(context.Background(), s.checks, s.program, 1) }

// failed is the first result that failed, or the last one.
func (s *showing) failed() Result {
	i := slices.IndexFunc(s.results, func(r Result) bool { return r.Status == Failed })
	if i < 0 {
		i = len(s.results) - 1
	}
	return s.results[i]
}

// wrong says what is not as the mistake's entry says, or "".
func (s *showing) wrong() string {
	r := s.failed()
	if r.Excused() || r.Name == s.first && r.Diagnosis == s.diagnosis && strings.Contains(r.Why, s.why) && strings.Contains(r.Seen, s.seen) {
		return ""
	}
	return fmt.Sprintf("%s %s, %s", r.Name, r.Status, r.Diagnosis)
}

// TestMuseum: each mistake is found by the check, and gets the diagnosis, that its entry
// says; each diagnosis is that of some mistake; and each check can fail.
func TestMuseum(t *testing.T) {
	t.Parallel()
	showings := openMuseum(t)
	var all errgroup.Group
	all.SetLimit(16) // most of them wait for something most of the time
	for i := range showings {
		all.Go(func() error { showings[i].grade(); return nil })
	}
	all.Wait() // no error is returned
	for _, s := range showings {
		t.Run(s.String(), func(t *testing.T) {
			if wrong := s.wrong(); wrong != "" {
				t.Logf("once more, now that all others are done: it was %s", wrong)
				s.grade()
			}
			r := s.failed()
			t.Logf("%s: %s %s, %s", s.where, r.Name, r.Status, r.Diagnosis)
			if s.wrong() != "" {
				t.Fatalf("want %s, %s, with %q and %q:\n%s", s.first, s.diagnosis, s.why, s.seen, r)
			}
			if r.Excused() {
				t.Skip(r.Why)
			}
			checkText(t, r, false)
		})
	}
	if *museumOnly != "" {
		return
	}
	t.Run("each diagnosis is met", func(t *testing.T) {
		met := map[string]bool{"trouble": true} // it is for errors that no check expects
		for _, s := range showings {
			met[s.diagnosis] = true
		}
		for group, names := range verdict.Texts.Diagnoses {
			for name := range names {
				if !met[name] && group != "What is forgiven to a program of the textbook's" { // scripts/grade has programs for these
					t.Errorf("no mistake of the museum gets %q", name)
				}
			}
		}
	})
	t.Run("each check can fail", func(t *testing.T) { eachCanFail(t, showings) })
}

// eachCanFail: a check fails because of a mistake of its own, or because of one that is
// shown everywhere.
func eachCanFail(t *testing.T, showings []*showing) {
	var all errgroup.Group
	for _, s := range showings {
		if s.everywhere {
			s.checks = Checks(s.stage)
			for i := range s.checks {
				s.checks[i].Step = "1.1" // all in one step: none has to wait for another
			}
			all.Go(func() error { s.grade(); return nil })
		}
	}
	all.Wait() // no error is returned
	fails := map[string]bool{}
	for _, s := range showings {
		fails[fmt.Sprint(s.stage, s.first)] = true
		for _, r := range s.results {
			if s.everywhere && r.Status == Failed && r.Diagnosis != "hangs" {
				fails[fmt.Sprint(r.Stage, r.Name)] = true
			}
		}
	}
	for stage := 1; stage <= 3; stage++ {
		for _, c := range Checks(stage) {
			if !fails[fmt.Sprint(stage, c.Name)] {
				t.Errorf("stage %d: no mistake fails %s", stage, c.Name)
			}
		}
	}
}

// openMuseum builds the stages with the mistakes in them.
func openMuseum(t *testing.T) (showings []*showing) {
	t.Helper()
	servers, clients := mistakes(t, "server.txt", "stage1-single"), mistakes(t, "client.txt", "stage3-client")
	dir := t.TempDir()
	var build errgroup.Group
	for folder, stage := range kit.Stages {
		in := servers
		if stage == 3 {
			in = clients
		}
		in = slices.DeleteFunc(slices.Clone(in), func(m mistake) bool { return m.stage != 0 && m.stage != stage })
		program := museumProgram(dir, folder)
		build.Go(func() error { return buildMuseum(t.Context(), dir, folder, in) })
		for _, m := range in {
			s := &showing{mistake: m, stage: stage, program: Program{Args: []string{program}, Env: []string{museumVariable + "=" + m.name}}}
			all := Checks(stage)
			own := slices.IndexFunc(all, func(c Check) bool { return c.Name == m.first })
			if own < 0 {
				t.Fatalf("%s: stage %d has no check %s", m.where, stage, m.first)
			}
			s.checks = slices.DeleteFunc(slices.Clone(all[:own+1]), func(c Check) bool { return c.Step != all[own].Step && !*museumWhole })
			if strings.Contains(m.name, *museumOnly) {
				showings = append(showings, s)
			}
		}
	}
	if err := build.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(showings) == 0 {
		t.Fatalf("no mistake has %q in its name", *museumOnly)
	}
	return showings
}
