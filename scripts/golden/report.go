package golden

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"weblab.example/scripts/internal/term"
)

// String is the result as a student reads it, on a terminal.
func (r Result) String() string { return r.text(term.Width) }

// text is the result in so many columns.
func (r Result) text(columns int) string {
	s := fmt.Sprintf("%s %s: %s\n", r.Step, r.Name, r.Status)
	for _, part := range [][2]string{{"want", r.Want}, {"seen", r.Seen}, {"why", r.Why}, {"note", r.Note}, {"again", r.Again}} {
		const indent = len("  again: ")
		label, text := fmt.Sprintf("  %-7s", part[0]+":"), strings.TrimSpace(part[1])
		if text == "" {
			continue
		}
		if part[0] != "again" { // a command stays in one line, to be copied
			text = strings.Join(term.Wrap(text, columns-indent), "\n"+strings.Repeat(" ", indent))
		}
		s += label + text + "\n"
	}
	return s
}

// Main is what TestMain of a stage calls, with the stage's own main: it makes
// the test binary the program as well. So what is graded is what was compiled
// just now, and no edit is answered from the cache.
func Main(m *testing.M, main func()) {
	if os.Getenv("WEBLAB_STAGE") == "1" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestStage runs a stage's checks on the program that the test binary is.
func TestStage(t *testing.T, stage int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	checks := asked(Checks(stage), flag.Lookup("test.run").Value.String())
	Report(t, gradeInTest(t, checks, Program{Args: []string{program}, Env: []string{"WEBLAB_STAGE=1"}}))
}

// asked are the checks whose tests go test's flag -run asks for, as Stage/step_1.6 does:
// to run the others would take time, and nobody would see what they say. A pattern with
// alternatives may mean any of them.
func asked(checks []Check, pattern string) []Check {
	parts := strings.Split(strings.ReplaceAll(pattern, " ", "_"), "/")
	if strings.Contains(pattern, "|") {
		return checks
	}
	return slices.DeleteFunc(checks, func(c Check) bool {
		for i, name := range []string{"step_" + c.Step, c.Name} {
			if i+1 < len(parts) && !regexp.MustCompile(parts[i+1]).MatchString(name) { // go test has compiled it, too
				return true
			}
		}
		return false
	})
}

// gradeInTest runs checks inside a test. Ctrl-C ends the programs, which
// have process groups of their own.
func gradeInTest(t *testing.T, checks []Check, program Program) []Result {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Grade(ctx, checks, program, rand.Uint64())
}

// Report prints results as tests: a step each, and in it a check each. The
// first three that fail in a step are told in full, the others in a line. The
// points stand last; go test shows them with -v, or when something failed.
func Report(t *testing.T, results []Result) {
	t.Helper()
	points, of, ended := 0, 0, map[Status]int{}
	defer func() {
		t.Logf("%d of %d points; %d checks failed, %d not run", points, of, ended[Failed], ended[NotRun])
	}()
	for results := range ByStep(results) {
		for _, r := range results {
			ended[r.Status]++
		}
		earned, most := Score(results)
		points, of = points+earned, of+most
		t.Run("step "+results[0].Step, func(t *testing.T) {
			ran, failed := false, 0
			for _, r := range results {
				ran = ran || r.Status != NotRun
				t.Run(r.Name, func(t *testing.T) {
					switch {
					case r.Status == NotRun:
						t.Skip(r.Why)
					case r.Diagnosis == "not-written" && failed > 0:
						t.Fail()
					case r.Status == Failed && failed < 3:
						t.Error("\n" + r.text(term.Width-20)) // go test indents it by 20
						failed++
					case r.Status == Failed:
						t.Errorf("failed too; in full: %s", r.Again)
					}
				})
			}
			if !ran {
				// A step that was asked for by name must not look as if it had passed.
				t.Errorf("not run: %s", results[0].Why)
			}
		})
	}
}
