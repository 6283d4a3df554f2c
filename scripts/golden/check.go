// Package golden has the checks that grade the three stages. They know
// nothing of Go: a stage is a program that is started, spoken to over TCP, and
// killed in the end. What a server must answer stands byte for byte in
// cases/NAME.request and cases/NAME.response, which can be used by hand too:
//
//	go run ./stage1-single -root scripts/golden/site
//	nc localhost 6789 < scripts/golden/cases/hello.request | cmp - scripts/golden/cases/hello.response
//
// To add a case, read the beginning of cases/1.1.txt (servers) or cases/3.1.txt (the
// client); to add a mistake that the checks must find, that of museum/server.txt.
//
// A check becomes a [Result], a value that a test or a grader prints:
//
//	case (cases/, site/) -> exchange (a program is started, and spoken to)
//	-> observation (bytes, times, how it ended) -> verdict (what was wrong, and why)
//	-> Result -> points of a step
package golden

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"weblab.example/scripts/internal/term"
	"weblab.example/scripts/internal/verdict"
)

// A Check is one thing that a stage must do.
type Check struct {
	Stage  int      `json:"stage"`
	Step   string   `json:"step"`            // such as "1.5"; lab-notes lists the steps
	Name   string   `json:"name"`            // unique within a stage
	Weight int      `json:"weight"`          // its share of the step's points; 0: it is told, and costs nothing
	Want   string   `json:"want"`            // what must happen, in one line
	Flags  []string `json:"flags,omitempty"` // the program's flags for this check

	// A check that not every machine can run, or that not everybody who is at
	// its step can pass, has no weight: so a level has the same points everywhere.
	system string              // what it needs of the system: a key of site.missing
	also   string              // a step that it needs, beside those that its own step needs
	costs  map[string]int      // of a textbook's check: the rubric's deductions
	run    func(*target) error // nil: passed; *verdict.Failure; notHere
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
	Status    Status `json:"status"`
	Seen      string `json:"seen,omitempty"`      // what happened instead, when it failed
	Why       string `json:"why,omitempty"`       // the mistake behind it, or why it was not run
	WhyZh     string `json:"whyZh,omitempty"`     // the mistake in Chinese, whatever the program's Lang
	Diagnosis string `json:"diagnosis,omitempty"` // its name in the table of diagnoses
	Note      string `json:"note,omitempty"`      // the lab note to read
	Line      string `json:"line,omitempty"`      // of the program's source, where a traceback names it: WebServer.py:29
	Again     string `json:"again,omitempty"`     // the command that repeats it

	Deductions []Deduction `json:"deductions,omitempty"` // of the textbook's checks: what it does, but not well
}

// notHere is the error of a check that this system, this user, or this kind
// of program cannot run.
type notHere string

func (n notHere) Error() string { return string(n) }

// excuse begins the reason why such a check was not run.
const excuse = "cannot be run here: "

// Excused reports whether a check was not run for no fault of the program.
func (r Result) Excused() bool { return r.Status == NotRun && strings.HasPrefix(r.Why, excuse) }

// Checks lists the checks of a stage, 1 to 3, in the order of their steps.
func Checks(stage int) []Check {
	checks := checksOf(stage, func(s Step) bool { return s.Level != "" && (s.Stage == stage || s.Stage == 1 && stage == 2) })
	slices.SortStableFunc(checks, func(a, b Check) int { return strings.Compare(a.Step, b.Step) })
	return checks
}

// checksOf lists a stage's checks of some steps.
func checksOf(stage int, of func(Step) bool) (checks []Check) {
	for _, step := range Steps {
		switch {
		case !of(step):
		case step.Stage == 3:
			checks = append(checks, clientChecks(step.ID)...)
		default:
			checks = append(checks, serverChecks(step.ID, stage)...)
		}
	}
	for i := range checks {
		checks[i].Stage = stage
	}
	return checks
}

// judge runs one check, on the program whose turn it is, and fills in how it
// ended.
func (r *Result) judge(session *session, turn string) {
	if missing := session.site.need(r.system); missing != nil {
		r.Why = excuse + missing.Error()
		return
	}
	t, before, err := r.observe(session, turn)
	var failure *verdict.Failure
	var cannot notHere
	if t != nil && r.Stage == 1 { // with threads it is the same program again
		r.deduct(session, t.habits)
	}
	switch {
	case err == nil:
		r.Status = Passed
	case errors.As(err, &cannot):
		r.Why = excuse + string(cannot)
	case session.unwritten.gap(r.also) != "":
		r.Why = excuse + "step " + session.unwritten.gap(r.also)
	case errors.As(err, &failure):
		r.tell(session, t, failure, before)
	default:
		r.tell(session, t, verdict.Failf("trouble", "%v", err), before)
	}
}

// observe runs the check on its program. before is the last connection that the
// program's log had until then.
func (r *Result) observe(session *session, turn string) (t *target, before string, err error) {
	t, err = session.take(turn, r.Flags)
	if err != nil {
		return nil, "", err
	}
	t.seeded, t.habits, t.said, t.ending, t.line = false, nil, "", "", ""
	if t.proc != nil {
		t.proc.stderr.since() // what it said in the check before
		t.proc.stderr.panicked()
		before, _ = lastInLog(t.proc.stderr.String())
	}
	err = r.run(t)
	if t.proc != nil {
		if report := t.proc.stderr.raced(); report != "" {
			err = verdict.Failf("data-race", "the race detector:\n%s", report)
		}
	}
	return t, before, err
}

// tell fills in a failure, and what else is known of the program behind it. t is nil
// where no program could be started.
func (r *Result) tell(session *session, t *target, failure *verdict.Failure, before string) {
	switch {
	case failure.Diagnosis == "wrong-status":
		failure.Args[2] = session.program.reader(r.Step).Refusal(r.Name, failure.Args[1].(int))
	case failure.Diagnosis == "reset" && r.Stage == 2 && r.Step < "1.8": // a close that loses an answer is for 1.8
		failure.Diagnosis = "closed-early"
	}
	if t != nil && t.proc != nil {
		t.explain(failure, before)
	}
	if failure.Diagnosis == "serial" {
		session.learned.serial.Store(true)
	}
	failure.Seen = session.unwritten.without(failure.Seen)
	if _, costs := r.costs[failure.Diagnosis]; costs && r.Weight == 0 {
		r.deduct(session, []*verdict.Failure{failure})
	}
	r.fail(failure, session.program)
	if t != nil {
		r.Line = t.line
	}
	if t != nil && t.seeded {
		r.Again += fmt.Sprintf(" -seed %d", session.seed)
	}
	r.Again += session.program.Again
}

// explain looks for what the program itself says of a failure: that it has ended, a panic,
// or its log.
func (t *target) explain(failure *verdict.Failure, before string) {
	add := func(text string) { failure.Seen = strings.TrimSpace(failure.Seen) + "\n" + text }
	end := t.ending
	if !t.program.Foreign {
		end = t.ended(100 * time.Millisecond)
	}
	ended := end != "" && !t.unwritten.in(end)
	if ended {
		add(end) // and all of its log
		switch failure.Diagnosis {
		case "no-answer", "not-accepting", "reset", "closed-early", "trouble":
			failure.Diagnosis, failure.Args = "died", nil
			if t.program.Foreign && t.proc.ProcessState.Success() {
				failure.Diagnosis = "only-once" // it ended in order
			}
		}
	}
	if t.program.Foreign {
		t.quote(failure)
		return
	}
	text, where := t.proc.stderr.panicked()
	if text != "" && !t.unwritten.in(text) {
		failure.Diagnosis, failure.Args = "panicked", []any{text, where}
		return
	}
	if said := t.logSince(before); said != "" && !ended {
		add("the server's log:\n" + said)
	}
}

// fail fills in what there is to say about a failure.
func (r *Result) fail(f *verdict.Failure, program Program) {
	r.Status, r.Seen, r.Diagnosis = Failed, term.Visible(strings.TrimSpace(f.Seen)), f.Diagnosis
	r.Why, r.WhyZh = program.why(f, r.Step)
	r.Note = noteOf(f.Diagnosis, r.Check)
	r.Again = r.Check.Again()
}

// Again is the command that runs a check alone. A name may be that of a check in each
// stage.
func (c Check) Again() string {
	return fmt.Sprintf("go run ./scripts/grade -only %s -stages %d", c.Name, c.Stage)
}
