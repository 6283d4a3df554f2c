package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"weblab.example/scripts/golden"
)

// A submission is what one student hands in, and what came out.
type submission struct {
	Name    string         `json:"name"`
	Parts   []part         `json:"parts"` // the points of each level
	Stages  []*stageResult `json:"stages"`
	Remarks []string       `json:"remarks,omitempty"` // what the grader found and did about it
	Trouble string         `json:"trouble,omitempty"` // why it could not be graded: not its fault
	Seconds float64        `json:"seconds"`           // that grading took

	dir string // "" for the workspace
}

// A stageResult is how one stage did.
type stageResult struct {
	Stage   int             `json:"stage"`
	State   string          `json:"state"` // graded, or why not
	Problem string          `json:"problem,omitempty"`
	Points  int             `json:"points"`
	Max     int             `json:"max"`
	Results []golden.Result `json:"results"`

	program golden.Program // if there is one to grade
}

// What a stage can be.
const (
	graded       = "graded"
	notSubmitted = "not submitted"
	notBuilt     = "could not be built"
	notGraded    = "not graded" // for trouble of the grader's: this is no zero
)

// A part is what is added up in a column of the sheet: a level, or a step of the
// textbook's checks, which have no levels.
type part struct {
	Name   string `json:"name"`
	Points int    `json:"points"`
	Max    int    `json:"max"`
}

// submissions are those that the command line names, the workspace, or a
// server that runs already. None of their checks has come to run yet.
func (g *grader) submissions() (subs []*submission) {
	dirs := g.folders
	switch {
	case len(dirs) == 0 && g.command+g.clientCommand != "":
		dirs = []string{"."}
	case len(dirs) == 0:
		dirs = []string{""}
	}
	taken := map[string]bool{} // names of reports, which some systems do not tell apart by letter case
	for _, dir := range dirs {
		name := cmp.Or(g.addr, "this workspace")
		if dir != "" {
			abs, _ := filepath.Abs(dir) // fails where there is no working directory
			name = oneLine(filepath.Base(abs))
		}
		for i, base := 2, name; taken[strings.ToLower(fileName(name))]; i++ {
			name = fmt.Sprintf("%s-%d", base, i)
		}
		taken[strings.ToLower(fileName(name))] = true
		s := &submission{Name: name, dir: dir}
		for _, n := range g.stages {
			if list := g.list(n); len(list) > 0 { // with -only many stages have nothing to do
				r := &stageResult{Stage: n, State: graded}
				for _, c := range list {
					r.Results = append(r.Results, golden.Result{Check: c})
				}
				r.notRun("")
				s.Stages = append(s.Stages, r)
			}
		}
		subs = append(subs, s)
	}
	return subs
}

// notRun says of all checks of a stage why they did not come to run.
func (r *stageResult) notRun(why string) {
	for i, c := range r.Results {
		r.Results[i] = golden.Result{Check: c.Check, Status: golden.NotRun, Why: why}
	}
	r.fill(r.Results)
}

// fill takes over the results of a stage and adds up its points.
func (r *stageResult) fill(results []golden.Result) {
	r.Results, r.Points, r.Max = results, 0, 0
	for _, row := range rowsOf(results) {
		r.Points, r.Max = r.Points+row.points, r.Max+row.max
	}
}

func (s *submission) passed() bool {
	return !slices.ContainsFunc(s.Stages, func(r *stageResult) bool {
		if len(r.Results) > 0 && golden.StepOf(r.Results[0].Step).Level == "" && r.Max > 0 { // of the textbook's, what costs nothing is only said
			return r.State != graded || r.Points < r.Max
		}
		return r.State != graded || slices.ContainsFunc(r.Results, wanting)
	})
}

// wanting reports whether a check has not passed, and not for the system's sake.
func wanting(c golden.Result) bool { return c.Status != golden.Passed && !c.Excused() }

// addUp fills in the parts.
func (s *submission) addUp() {
	s.Parts = nil
	for _, r := range s.Stages {
		for _, row := range r.Rows() {
			name := cmp.Or(string(row.Level), row.ID)
			i := slices.IndexFunc(s.Parts, func(p part) bool { return p.Name == name })
			if i < 0 {
				i, s.Parts = len(s.Parts), append(s.Parts, part{Name: name})
			}
			s.Parts[i].Points += row.points
			s.Parts[i].Max += row.max
		}
	}
	slices.SortStableFunc(s.Parts, func(a, b part) int {
		return slices.Index(golden.Levels, golden.Level(a.Name)) - slices.Index(golden.Levels, golden.Level(b.Name))
	})
}

// Total is the sum of the parts, and Columns are both. The page's template uses them, too.
func (s *submission) Total() part {
	all := part{Name: "total"}
	for _, p := range s.Parts {
		all.Points, all.Max = all.Points+p.Points, all.Max+p.Max
	}
	return all
}

func (s *submission) Columns() []part { return append(slices.Clone(s.Parts), s.Total()) }

func (p part) String() string { return fmt.Sprintf("%d/%d", p.Points, p.Max) }

// A row is the results of one step in one stage, in the order of the checks.
type row struct {
	golden.Step
	mark        string
	points, max int
	free        int // checks that failed in a step that has all its points: they have none
	results     []golden.Result
}

// What a mark can be.
const (
	stepPassed = "passed"
	stepFailed = "FAILED"
	stepNotRun = "not run"
)

func rowsOf(results []golden.Result) (rows []row) {
	for start, end := 0, 0; start < len(results); start = end {
		r := row{Step: golden.StepOf(results[start].Step)}
		for end < len(results) && results[end].Step == r.ID {
			end++
		}
		r.results = results[start:end]
		r.points, r.max = golden.Score(r.results)
		passed, failed, waiting := 0, 0, 0
		if r.Level == "" && r.points < r.max {
			failed++ // perhaps only by a deduction
		}
		for _, c := range r.results {
			switch {
			case c.Status == golden.Passed:
				passed++
			case c.Status == golden.Failed && c.Weight == 0 && r.points == r.max && r.max > 0:
				r.free++
			case c.Status == golden.NotRun && c.Weight == 0 && r.Level == "":
			case c.Status == golden.Failed:
				failed++
			case !c.Excused():
				waiting++
			}
		}
		switch {
		case failed > 0:
			r.mark = stepFailed
		case waiting > 0 || passed == 0:
			r.mark = stepNotRun
		default:
			r.mark = stepPassed
		}
		rows = append(rows, r)
	}
	return rows
}

// Rows are the steps of a stage that are its own.
func (r *stageResult) Rows() []row {
	return slices.DeleteFunc(rowsOf(r.Results), func(row row) bool { return row.Stage != r.Stage })
}

// rows are what a stage has to tell of. Stage 2 gives the answers of stage 1, too,
// for no points: of those it tells only what is right in one of the two and not in
// the other; the same of so many are as in stage 1.
func (s *submission) rows(r *stageResult) (rows []row, same, of int) {
	right := map[string]bool{} // checks of stage 1
	for _, one := range s.Stages {
		for _, c := range one.Results {
			if one.Stage == 1 && one.State == graded {
				right[c.Name] = c.Status == golden.Passed
			}
		}
	}
	var told []golden.Result
	for _, c := range r.Results {
		want, known := right[c.Name]
		switch {
		case golden.StepOf(c.Step).Stage == r.Stage:
			told = append(told, c)
			continue
		case r.State != graded:
			continue
		}
		of++
		if (c.Status == golden.Passed) == (want || !known) || c.Excused() {
			same++
		} else {
			told = append(told, c)
		}
	}
	return rowsOf(told), same, of
}

// summary is how a stage did, in a few words.
func (r *stageResult) summary() string {
	checks, ended := 0, map[golden.Status]int{}
	for _, c := range r.Results {
		if golden.StepOf(c.Step).Stage == r.Stage {
			checks++
			ended[c.Status]++
		}
	}
	switch {
	case r.State != graded:
		return fmt.Sprintf("%s, 0 of %d points", r.State, r.Max)
	case checks == 0:
		return "no step of its own"
	case r.Max == 0: // of one check alone
		return fmt.Sprintf("%d of %d checks passed", ended[golden.Passed], checks)
	}
	return fmt.Sprintf("%d of %d points, %d failed", r.Points, r.Max, ended[golden.Failed])
}

// remarks are a submission's remarks, and for each stage the first thing that
// went wrong.
func (s *submission) remarks(lang string) []string {
	remarks := slices.Clone(s.Remarks)
	if s.Trouble != "" {
		return append(remarks, s.Trouble)
	}
	for _, r := range s.Stages {
		if r.Problem != "" {
			remarks = append(remarks, r.Problem)
		}
		if r.State == notSubmitted {
			remarks = append(remarks, fmt.Sprintf("stage %d: not submitted", r.Stage))
		}
		if r.Stage == s.Stages[0].Stage && golden.StepOf(r.Results[0].Step).Level == "" { // the textbook's: the most expensive one of all
			if all := s.mistakes(lang); len(all) > 0 && all[0].Lost > 0 {
				remarks = append(remarks, fmt.Sprintf("%d, %s: %s", -all[0].Lost, all[0].Title, all[0].Why))
			}
		} else if c := s.first(r, wanting); c != nil && r.State == graded && golden.StepOf(c.Step).Level != "" {
			remarks = append(remarks, fmt.Sprintf("stage %d, %s %s: %s", r.Stage, c.Step, c.Name, c.Why))
		}
	}
	return remarks
}

// first finds the first check of which a stage has to tell that is so; nil if there is none.
func (s *submission) first(r *stageResult, is func(golden.Result) bool) *golden.Result {
	rows, _, _ := s.rows(r)
	for _, row := range rows {
		if i := slices.IndexFunc(row.results, is); i >= 0 {
			return &row.results[i]
		}
	}
	return nil
}
