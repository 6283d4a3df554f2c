// Package golden has the checks that grade the three stages. They know
// nothing of Go: a stage is a program that is started, spoken to over TCP, and
// killed in the end. What a server must answer stands byte for byte in
// cases/NAME.request and cases/NAME.response, which can be used by hand too:
//
//	go run ./stage1-single -root scripts/golden/site
//	nc localhost 6789 < scripts/golden/cases/hello.request | cmp - scripts/golden/cases/hello.response
//
// A check becomes a [Result], a value that a test or a grader prints. The
// files in reading order: check.go (checks and results), program.go (a program
// under test), site.go (the files that it serves), wire.go (speaking TCP and
// comparing bytes), cases.go (the golden cases), server.go and concurrent.go
// (what servers do in time), client.go (the client, from the other side).
package golden

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Check is one thing that a stage must do.
type Check struct {
	Step   string // such as "1.5"; lab-notes lists the steps
	Name   string // unique within a stage
	Points int
	Want   string   // what must happen, in one line
	Flags  []string // the program's flags for this check

	run func(*lab) error // nil: passed; *Failure; notHere
}

// A Status says how a check ended.
type Status string

const (
	Passed Status = "passed"
	Failed Status = "failed"
	NotRun Status = "not run"
)

// A Result is how a check ended on one program.
type Result struct {
	Check
	Status Status
	Seen   string // what happened instead, when it failed
	Why    string // the mistake behind it, or why it was not run
}

// String is the result as a student reads it.
func (r Result) String() string {
	s := fmt.Sprintf("%s %s: %s\n  want: %s\n", r.Step, r.Name, r.Status, r.Want)
	for _, part := range []struct{ label, text string }{{"seen", r.Seen}, {"why", r.Why}} {
		if part.text != "" {
			s += "  " + part.label + ": " + strings.ReplaceAll(strings.TrimSpace(part.text), "\n", "\n        ") + "\n"
		}
	}
	return s
}

// A Failure is the error of a check that failed.
type Failure struct {
	Seen, Why string
}

func (f *Failure) Error() string { return f.Seen + "\n" + f.Why }

func failf(why, seen string, args ...any) error {
	return &Failure{Seen: fmt.Sprintf(seen, args...), Why: why}
}

// notHere is the error of a check that this system or this user cannot run.
type notHere string

func (n notHere) Error() string { return string(n) }

// Checks lists the checks of a stage, 1 to 3, in the order of their steps.
func Checks(stage int) []Check {
	var checks []Check
	switch stage {
	case 1:
		checks = slices.Concat(serverChecks(), serialChecks())
	case 2:
		checks = slices.Concat(serverChecks(), concurrentChecks())
	case 3:
		checks = clientChecks()
	}
	slices.SortStableFunc(checks, func(a, b Check) int { return strings.Compare(a.Step, b.Step) })
	return checks
}

// Grade runs a stage's checks on a program, step after step. The checks of a
// step that needs an earlier one which failed are not run.
func Grade(ctx context.Context, stage int, program Program) []Result {
	checks := Checks(stage)
	results := make([]Result, len(checks))
	for i, c := range checks {
		results[i] = Result{Check: c, Status: NotRun}
	}
	// Ctrl-C ends the programs under test, which have process groups of their own.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	labs, err := openLabs(ctx, program)
	if err != nil {
		for i := range results {
			results[i].Why = "the checks could not start"
		}
		results[0].Status, results[0].Seen = Failed, err.Error()
		return results
	}
	defer labs.close()

	var failed []string // steps
	for start, end := 0, 0; start < len(checks); start = end {
		step := checks[start].Step
		for end < len(checks) && checks[end].Step == step {
			end++
		}
		if i := slices.IndexFunc(failed, func(earlier string) bool { return needs(step, earlier) }); i >= 0 {
			for j := range results[start:end] {
				results[start+j].Why = "step " + failed[i] + " comes first"
			}
			continue
		}
		runStep(labs, results[start:end])
		if slices.ContainsFunc(results[start:end], func(r Result) bool { return r.Status == Failed }) {
			failed = append(failed, step)
		}
	}
	return results
}

// needs reports whether a step needs an earlier one: each needs those before
// it with the same number in front, and 2.x also those that it takes to
// answer a GET, 1.1 to 1.6.
func needs(step, earlier string) bool { return step[0] == earlier[0] || earlier <= "1.6" }

// runStep runs the checks of one step. Those with the same flags share a few
// programs and take turns on them; checks that start a program of their own
// wait for nobody. A program that hangs is asked twice, not a hundred times.
func runStep(labs *labs, results []Result) {
	const programs = 4
	const budget = 20 * time.Second // for what takes a right program a second or two
	turns := map[string][]*Result{}
	for i := range results {
		r := &results[i]
		turn := fmt.Sprint(i%programs, r.Flags)
		if slices.Contains(r.Flags, noServer) {
			turn = r.Name
		}
		turns[turn] = append(turns[turn], r)
	}
	var all sync.WaitGroup
	for turn, results := range turns {
		all.Go(func() {
			begun, hung := time.Now(), 0
			for _, r := range results {
				if hung == 2 {
					r.Why = "checks before it waited too long"
					continue
				}
				start := time.Now()
				if start.Sub(begun) > budget {
					r.Status, r.Seen, hung = Failed, fmt.Sprintf("the checks before it took %v", start.Sub(begun).Round(time.Second)), 2
					r.Why = "every answer came, or every connection ended, only after a wait: a server closes for writing as soon as it has answered"
					continue
				}
				r.judge(labs, turn)
				if r.Status == Failed && time.Since(start) >= patience {
					hung++
					labs.drop(turn)
				}
			}
		})
	}
	all.Wait()
}

// judge runs one check, on the program whose turn it is, and fills in how it
// ended.
func (r *Result) judge(labs *labs, turn string) {
	l, err := labs.take(turn, r.Flags)
	if err == nil {
		err = r.run(l)
	}
	if l != nil && l.proc != nil {
		if report := l.proc.stderr.raced(); report != "" {
			err = failf("two goroutines use the same variable at the same time, and one of them writes", "the race detector:\n%s", report)
		}
	}
	var failure *Failure
	var cannot notHere
	switch {
	case err == nil:
		r.Status = Passed
	case errors.As(err, &cannot):
		r.Status, r.Why = NotRun, "not on this system: "+string(cannot)
	case errors.As(err, &failure):
		r.Status, r.Seen, r.Why = Failed, failure.Seen, failure.Why
	default:
		r.Status, r.Seen = Failed, err.Error()
	}
	if r.Status == Failed && l != nil {
		if end := l.ended(100 * time.Millisecond); end != "" {
			r.Seen += "\n" + end
		}
	}
}
