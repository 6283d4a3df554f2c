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
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// Grade runs checks on a program, step after step; they are those of one
// stage, or some of them. The checks of a step that needs an earlier one which
// failed are not run. The seed makes the files that nobody can know before.
func Grade(ctx context.Context, checks []Check, program Program, seed uint64) []Result {
	results := make([]Result, len(checks))
	for i, c := range checks {
		results[i] = Result{Check: c, Status: NotRun}
	}
	session, err := openSession(ctx, program, seed)
	if err != nil {
		for i := range results {
			results[i].fail(verdict.Failf("trouble", "the checks could not start: %v", err), program)
		}
		return results
	}
	defer session.close()

	var blockers []string          // steps that failed, or are not written
	missing := map[string]string{} // those and the steps that they block, and why
	for start, end := 0, 0; start < len(checks); start = end {
		step := checks[start].Step
		for end < len(checks) && checks[end].Step == step {
			end++
		}
		if i := slices.IndexFunc(blockers, func(b string) bool { return needs(checks[start], b) }); i >= 0 {
			why := missing[blockers[i]]
			for j := range results[start:end] {
				results[start+j].Why = why
			}
			missing[step] = why
			continue
		}
		for j := range results[start:end] {
			if why := missing[results[start+j].also]; why != "" {
				results[start+j].Why = excuse + why
			}
		}
		for _, blocker := range runStep(session, results[start:end]) {
			blockers = append(blockers, blocker)
			missing[blocker] = "step " + cmp.Or(session.unwritten.gap(blocker), blocker+" comes first")
		}
	}
	deduct(results)
	return results
}

// needs reports whether a check needs a step that failed or is not written.
// Each step needs those before it with the same number in front; 2.x and 3.x
// also those that it takes to answer a GET, 1.1 to 1.5, and 2.3 the large
// files of 1.6. In stage 2 everything needs the loop. A step of strict needs
// the core of its program and nothing else, and no step needs one of strict.
func needs(c Check, blocker string) bool {
	switch {
	case c.Step == blocker:
		return false
	case c.Stage == 2 && blocker == "2.1":
		return true
	case StepOf(c.Step).Level == Strict:
		return StepOf(blocker).Level == Core && (blocker[0] == '3') == (c.Stage == 3)
	case c.Step[0] == blocker[0]:
		return blocker < c.Step
	}
	return blocker < c.Step && (blocker <= "1.5" || blocker == "1.6" && c.Step == "2.3")
}

// runStep runs the checks of one step, and returns the steps that those after
// it cannot do without: this one if it failed, and any that is not written.
func runStep(session *session, results []Result) (blockers []string) {
	step := StepOf(results[0].Step)
	if session.unwritten.gap(step.ID) == "" { // else it is known already
		runTurns(session, results)
	}
	first := slices.IndexFunc(results, func(r Result) bool { return r.Status == Failed })
	gap := session.unwritten.gap(step.ID)
	blocker := step.ID
	if gap == "" && first >= 0 { // perhaps because of a gap elsewhere
		for _, b := range session.unwritten.steps() {
			if needs(results[0].Check, b) {
				blocker, gap = b, session.unwritten.gap(b)
				break
			}
		}
	}
	switch {
	case gap == "" && first < 0:
		return nil
	case gap == "":
		if r := &results[first]; step.Level == Strict && r.Diagnosis == "wrong-status" {
			// What is not written refuses nothing, and cannot say so.
			r.Why = fmt.Sprintf("%s refuses nothing yet, or not this. %s", step.ID, r.Why)
		}
		if !slices.ContainsFunc(results, func(r Result) bool { return r.Status == Failed && r.Weight > 0 }) {
			return nil // what has no weight costs nothing, not later either
		}
		return []string{step.ID}
	}
	// A step that is not written earns nothing, even where what is given
	// already does some of it. It is this stage's to write, or another's.
	for i := range results {
		r := &results[i]
		*r = Result{Check: r.Check, Status: NotRun, Why: "step " + gap}
		if blocker == step.ID && r.Stage == step.Stage {
			r.fail(&verdict.Failure{Seen: "step " + gap, Diagnosis: "not-written", Args: []any{step.ID}}, session.program)
		}
	}
	return []string{blocker}
}

// runTurns runs checks. Those with the same flags share a few programs and
// take turns on them; checks that start a program of their own wait for
// nobody, but for so many of them at once.
//
// The first of the textbook's checks goes ahead: it learns where the pages are.
func runTurns(session *session, results []Result) {
	const own = 8 // programs of their own at once
	if results[0].costs != nil {
		runTurn(session, "0", []*Result{&results[0]})
		results = results[1:]
	}
	turns := map[string][]*Result{}
	for i := range results {
		r := &results[i]
		turn := strings.TrimSuffix(fmt.Sprint(i%session.programs(), r.Flags), "[]")
		if slices.Contains(r.Flags, noServer) && session.programs() > 1 {
			turn = r.Name
		}
		turns[turn] = append(turns[turn], r)
	}
	free := make(chan bool, own)
	var all sync.WaitGroup
	for turn, results := range turns {
		all.Go(func() {
			if slices.Contains(results[0].Flags, noServer) {
				free <- true
				defer func() { <-free }()
			}
			runTurn(session, turn, results)
		})
	}
	all.Wait()
}

// runTurn runs checks one after the other. A program that hangs is asked twice, not a
// hundred times.
func runTurn(session *session, turn string, results []*Result) {
	const budget = 20 * time.Second // for what takes a right program a second or two
	begun, hung := time.Now(), 0
	for _, r := range results {
		start := time.Now()
		switch {
		case r.Why != "": // it needs what is not there
		case session.ctx.Err() != nil:
			r.Why = "the time is over"
		case r.costs != nil && r.Weight == 0 && r.Stage == 1 && session.learned.took.Load() == 0:
			r.Why = "no page came in the checks before it"
		case hung == 2 || session.learned.hopeless() || session.unwritten.gap(r.Step) != "":
			r.Why = "checks before it waited too long"
		case start.Sub(begun) > budget:
			r.fail(verdict.Failf("hangs", "the checks before it took %v", start.Sub(begun).Round(time.Second)), session.program)
			hung = 2
		default:
			r.judge(session, turn)
			if r.Status == Failed && time.Since(start) >= session.learned.patience() {
				hung++
				session.drop(turn)
			}
		}
	}
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
	r.Status, r.Seen, r.Why, r.Diagnosis = Failed, term.Visible(strings.TrimSpace(f.Seen)), term.Visible(f.Why(program.reader(r.Step))), f.Diagnosis
	r.Note = noteOf(f.Diagnosis, r.Check)
	r.Again = fmt.Sprintf("go run ./scripts/grade -only %s -stages %d", r.Name, r.Stage) // a name may be that of a check in each stage
}
