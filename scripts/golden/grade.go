package golden

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"weblab.example/scripts/internal/verdict"
)

// Grade runs checks on a program, step after step; they are those of its
// stages, or some of them. The checks of a step that needs an earlier one which
// failed have no results. The seed makes the files that nobody can know before.
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
	for rest := slices.Collect(ByStep(results)); len(rest) > 0; {
		now := 1
		if level := StepOf(rest[0][0].Step).Level; len(blockers) == 0 && (level == Protocol || level == Strict) && session.programs() > 1 {
			now = len(rest) // these take time, most of it in waiting: they run at once
		}
		var all sync.WaitGroup
		for _, step := range rest[:now] {
			blocked := slices.ContainsFunc(blockers, func(b string) bool { return needs(step[0].Check, b) })
			if !blocked && session.unwritten.gap(step[0].Step) == "" { // else it is known already
				all.Go(func() { runTurns(session, step) })
			}
		}
		all.Wait()
		for _, step := range rest[:now] {
			blockers = append(blockers, settle(session, step, blockers, missing)...)
		}
		rest = rest[now:]
	}
	deductOnce(results)
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

// ByStep cuts results into the parts that are about one step each.
func ByStep(results []Result) iter.Seq[[]Result] {
	return func(yield func([]Result) bool) {
		for rest := results; len(rest) > 0; {
			end := 1
			for end < len(rest) && rest[end].Step == rest[0].Step {
				end++
			}
			if !yield(rest[:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

// settle looks at the results of a step when those before it are known. It returns the steps that
// those after it cannot do without: this one if it failed, and any that is not written. One that
// needs such a step has no results.
func settle(session *session, results []Result, blockers []string, missing map[string]string) (more []string) {
	if i := slices.IndexFunc(blockers, func(b string) bool { return needs(results[0].Check, b) }); i >= 0 {
		why := missing[blockers[i]]
		for i, r := range results {
			results[i] = Result{Check: r.Check, Status: NotRun, Why: why}
		}
		missing[results[0].Step] = why
		return nil
	}
	for i, r := range results {
		if why := missing[r.also]; why != "" {
			results[i] = Result{Check: r.Check, Status: NotRun, Why: excuse + why}
		}
	}
	more = blockersIn(session, results)
	for _, blocker := range more {
		missing[blocker] = "step " + cmp.Or(session.unwritten.gap(blocker), blocker+" comes first")
	}
	return more
}

// blockersIn finds the steps that later ones cannot do without and that are missing, as
// the results of a step show.
func blockersIn(session *session, results []Result) (blockers []string) {
	step := StepOf(results[0].Step)
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
// nobody, but for so many turns at once, of all steps: each program takes a
// thread that waits for its end, and threads take memory.
//
// The first of the textbook's checks goes ahead: it learns where the pages are.
func runTurns(session *session, results []Result) {
	if results[0].costs != nil {
		runTurn(session, "the only one", []*Result{&results[0]})
		results = results[1:]
	}
	turns := map[string][]*Result{}
	for i := range results {
		r := &results[i]
		turn := fmt.Sprint(r.Step, i%session.programs(), r.Flags)
		if session.programs() == 1 {
			turn = "the only one"
		}
		if slices.Contains(r.Flags, noServer) && session.programs() > 1 {
			turn = r.Name
		}
		turns[turn] = append(turns[turn], r)
	}
	var all sync.WaitGroup
	for turn, results := range turns {
		all.Go(func() {
			session.turns <- true
			defer func() { <-session.turns }()
			runTurn(session, turn, results)
			if turn != "the only one" {
				session.drop(turn) // nobody else asks it
			}
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
		case session.learned.noPage.Load() && (r.Weight == 0 || r.Stage == 2): // what fails now may fail for that
			r.Why = "no page came in the checks before it"
		case r.costs != nil && session.learned.serial.Load():
			r.Why = "the program serves one client at a time"
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
