package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"weblab.example/scripts/golden"
)

// The results.json of Gradescope, as its documentation for autograders has it:
// https://gradescope-autograders.readthedocs.io/en/latest/specs/

type gradescopeResult struct {
	Score        int              `json:"score"`
	Seconds      float64          `json:"execution_time"`
	Output       string           `json:"output"`
	OutputFormat string           `json:"output_format"`
	Visibility   string           `json:"visibility"`
	Tests        []gradescopeTest `json:"tests"`
}

type gradescopeTest struct {
	Score        int      `json:"score"`
	MaxScore     int      `json:"max_score"`
	Name         string   `json:"name"`
	Number       string   `json:"number"`
	Tags         []string `json:"tags,omitempty"`
	Status       string   `json:"status"`
	Output       string   `json:"output"`
	OutputFormat string   `json:"output_format"`
	Visibility   string   `json:"visibility"`
}

// writeGradescope writes a test for each step: what it earned, its first
// failure in full and the others in a line. Its level is in its name and its tag.
func writeGradescope(w io.Writer, s *submission) error {
	result := gradescopeResult{Seconds: s.Seconds, OutputFormat: "text", Visibility: "visible", Tests: []gradescopeTest{}}
	notes := append([]string{}, s.Remarks...)
	for _, p := range s.Parts {
		result.Score += p.Points
		notes = append(notes, fmt.Sprintf("%s: %d of %d points", p.Name, p.Points, p.Max))
	}
	for _, r := range s.Stages {
		notes = append(notes, fmt.Sprintf("stage %d: %s", r.Stage, r.summary()))
		if r.Problem != "" {
			notes = append(notes, below(r.Problem))
		}
		own, same, of := s.own(r)
		if of > 0 {
			notes = append(notes, fmt.Sprintf("stage %d gives the same answers as stage 1: %d of %d", r.Stage, same, of))
		}
		for _, step := range stepsOf(own) {
			if step.Stage != r.Stage {
				notes = append(notes, step.output(r))
				continue
			}
			test := gradescopeTest{
				Score: step.points, MaxScore: step.max, Status: "failed",
				Name: fmt.Sprintf("stage %d: %s", r.Stage, step.Title), Number: step.ID,
				Output: step.output(r), OutputFormat: "text", Visibility: "visible",
			}
			if step.Level != "" {
				test.Name = fmt.Sprintf("%s, %s", step.Level, test.Name)
				test.Tags = []string{string(step.Level)}
			}
			if step.mark() == stepPassed {
				test.Status = "passed"
			}
			result.Tests = append(result.Tests, test)
		}
	}
	result.Output = strings.Join(notes, "\n")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(result)
}

func (s step) output(r *stageResult) string {
	if r.State != graded {
		return r.State + "\n" + below(r.Problem)
	}
	var lines []string
	told := false
	if n := s.costsNothing(); n > 0 {
		lines = append(lines, fmt.Sprintf("passed with all its points; checks that have no points failed: %d", n))
	}
	for _, c := range s.results {
		switch {
		case c.Status == golden.Failed && !told:
			lines = append(lines, c.String())
			told = true
		case c.Status == golden.Failed && c.Diagnosis != "not-written":
			lines = append(lines, line(c))
		case c.Status == golden.NotRun && !told:
			lines = append(lines, "not run: "+below(c.Why))
			told = !c.Excused()
		}
	}
	return strings.Join(lines, "\n")
}
