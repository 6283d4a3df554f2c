package golden

import (
	"slices"
	"sync"
)

// A Level is a layer of the kit that can be taken off: without strict the
// server is lenient and works, without protocol it serves pages to a browser.
type Level string

const (
	Core     Level = "core"
	Protocol Level = "protocol"
	Strict   Level = "strict"
)

// Levels lists the levels in the order in which they build on each other.
var Levels = []Level{Core, Protocol, Strict}

// Has reports whether a level includes another one: each has those before it.
// The textbook's checks are of no level, and always included.
func (level Level) Has(other Level) bool {
	return other == "" || slices.Index(Levels, other) <= slices.Index(Levels, level)
}

// A Step is a piece of the work: a student writes it in one stage, and checks
// share its points. Other stages may have checks of it, for no points.
type Step struct {
	ID     string // such as "1.5"; lab-notes lists them
	Stage  int
	Level  Level // "" for those of the textbook's checks
	Points int
	Title  string
}

// Steps are the steps in order, with the titles that lab-notes/README.md and
// the textbook's assignment have.
var Steps = []Step{
	{"1.1", 1, Core, 5, "the loop: accept, serve, close, repeat"},
	{"1.2", 1, Core, 15, "a response becomes bytes"},
	{"1.3", 1, Core, 10, "read a request's head, however TCP cut it"},
	{"1.4", 1, Core, 5, "the request line"},
	{"1.5", 1, Core, 15, "the target names a file: 200 with its bytes, or 404"},
	{"1.6", 1, Core, 20, "any file: its type, large, escapes, a directory"},
	{"1.7", 1, Protocol, 10, "HEAD, 405, 501"},
	{"1.8", 1, Protocol, 10, "close without losing the answer"},
	{"1.9", 1, Protocol, 15, "persistent connections, pipelining"},
	{"2.1", 2, Core, 20, "a goroutine for each connection"},
	{"2.2", 2, Protocol, 5, "no more than -max-conns of them"},
	{"2.3", 2, Protocol, 10, "stop without dropping an answer"},
	{"3.1", 3, Core, 10, "the request's bytes"},
	{"3.2", 3, Core, 5, "status line and header fields"},
	{"3.3", 3, Core, 15, "a body by Content-Length, none, or until close"},
	{"3.4", 3, Protocol, 10, "a chunked body, 1xx passed over"},
	{"3.5", 3, Protocol, 10, "too short, too long, reset: said and exit 1"},
	{"3.6", 3, Protocol, 10, "several requests on one connection"},
	{"S.1", 1, Strict, 10, "limits in bytes and in time (414, 431, 408)"},
	{"S.2", 1, Strict, 10, "each line to the letter (400, 505)"},
	{"S.3", 1, Strict, 10, "one valid Host; the end beyond doubt (400, 501)"},
	{"S.4", 1, Strict, 10, "no file but those of the site"},
	{"S.5", 3, Strict, 10, "the client believes nothing"},

	{"server", 1, "", 40, "a browser's request gets the file"},
	{"404", 1, "", 20, "a file that is not there"},
	{"threads", 2, "", 20, "many clients at once (an optional exercise)"},
	{"client", 3, "", 20, "the client (an optional exercise)"},
}

// StepOf finds a step by its ID. One that is not in the table is nobody's, and
// has no points.
func StepOf(id string) Step {
	if i := slices.IndexFunc(Steps, func(s Step) bool { return s.ID == id }); i >= 0 {
		return Steps[i]
	}
	return Step{ID: id}
}

// Score is what the results of one step in one stage earn, and what they could:
// those that passed have their share of the step's points, by weight, in whole
// points. A share that was not asked for, as with a single check, is not in it.
//
// A textbook's check has its points by itself, less what its deductions cost.
func Score(results []Result) (earned, most int) {
	step := StepOf(results[0].Step)
	if step.Level == "" && step.Stage == results[0].Stage {
		for _, r := range results {
			if !r.Excused() {
				most += r.Weight
			}
			if r.Status == Passed {
				earned += r.Weight
			}
			for _, d := range r.Deductions {
				earned -= d.Points
			}
		}
		return max(0, earned), most
	}
	all := weights()[step.ID]
	if results[0].Stage != step.Stage || all == 0 {
		return 0, 0
	}
	asked, passed := 0, 0
	for _, r := range results {
		asked += r.Weight
		if r.Status == Passed {
			passed += r.Weight
		}
	}
	return step.Points * passed / all, step.Points * asked / all
}

// weights adds up the weights of each step's checks, in the stage where it counts.
var weights = sync.OnceValue(func() map[string]int {
	sum := map[string]int{}
	for stage := 1; stage <= 3; stage++ {
		for _, c := range Checks(stage) {
			if StepOf(c.Step).Stage == stage {
				sum[c.Step] += c.Weight
			}
		}
	}
	return sum
})
